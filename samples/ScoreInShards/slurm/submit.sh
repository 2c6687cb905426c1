#!/usr/bin/env bash
# Submits the shards, and the merging that waits until all of them are complete. Usage: submit.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?Usage: submit.sh FOLDER}
job=$(sbatch --parsable "$here/score.sbatch" "$folder")
sbatch --dependency="afterok:${job%%;*}" "$here/merge.sbatch" "$folder"
