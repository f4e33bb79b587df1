"""IAM: the statements that a principal needs, and the policies that can hold them."""
