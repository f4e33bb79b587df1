"""What is shipped to Lambda: the job's folder, the runtime library and its dependencies."""
