#!/usr/bin/env bash
# Two shards at the same time on this machine, and the merged file. Usage: run.sh [FOLDER]. Started again, it goes on where it was.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${TMPDIR:-/tmp}/score-in-shards}
dotnet build -c Release -v quiet "$here"
program=(dotnet "$here/bin/Release/net10.0/ScoreInShards.dll" --folder "$folder")

[ -e "$folder/model.zip" ] || "${program[@]}" --prepare
export OMP_NUM_THREADS=$((($(nproc) + 1) / 2)) # each process has a half of the cores
"${program[@]}" --shard 0/2 &
first=$!
"${program[@]}" --shard 1/2 &
second=$!
trap 'kill "$first" "$second" 2>/dev/null || true; wait' EXIT # if one fails, the other is stopped too
wait "$first"
wait "$second"
trap - EXIT
"${program[@]}" --merge
