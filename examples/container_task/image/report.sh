#!/bin/sh
# Report on the hour before $S3LEADER_TICK. Send the token with every write, so that what a deposed
# leader writes can be refused.
echo "reporting for $S3LEADER_TICK with token $S3LEADER_FENCING_TOKEN, attempt $S3LEADER_ATTEMPT"
sleep "${WORK_SECONDS:-0}"
