#!/usr/bin/env bash
# Submits the shards, and the merging that waits until all of them are complete. Usage: submit.sh FOLDER
# If a shard fails or reaches its time limit, the merging is cancelled. Submit the same again: the shards go on after their last complete
# files, and those that are complete end at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?Usage: submit.sh FOLDER}
job=$(sbatch --parsable "$here/score.sbatch" "$folder")
sbatch --dependency="afterok:${job%%;*}" --kill-on-invalid-dep=yes "$here/merge.sbatch" "$folder"
