#!/usr/bin/env bash
# Fuzzes the targets of this program with AFL++ (Debian's package afl++), coverage-guided by SharpFuzz:
#
#   tests/MlNetFineTune.Fuzz/fuzz.sh build
#   tests/MlNetFineTune.Fuzz/fuzz.sh TARGET|all [inputs]
#
# The first builds and instruments the program, and is needed again after a change; the second does so where it was never done. It begins
# with the corpus in Corpus/TARGET, runs that many inputs (default 1,000,000), and prints a line for each target. What was found stays in
# artifacts/fuzz/TARGET: crashes and hangs to be looked at, and in `corpus` the smallest set of inputs with the same coverage.
# FUZZ_SECONDS bounds the time of each target.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/artifacts/fuzz
program=$work/program
inputs=${2:-1000000}

# Of the library's assemblies alone: what it calls is not its own.
instrumented=(MlNetFineTune.dll finetune.dll)

# The native libraries are shared with the output folder by hard links; what a build or the instrumentation writes in place is copied.
build() {
  dotnet build -c Release -v q -clp:NoSummary -nodeReuse:false "$here/MlNetFineTune.Fuzz.csproj"
  (cd "$root" && dotnet tool restore >/dev/null)
  rm -rf "$program"
  mkdir -p "$work"
  cp -al "$here/bin/Release/net10.0" "$program"
  for file in "$program"/*.{dll,json}; do
    cp "$file" "$file.copy"
    mv "$file.copy" "$file"
  done
  for assembly in "${instrumented[@]}"; do
    (cd "$root" && dotnet sharpfuzz "$program/$assembly")
  done
}

# AFL++ knows dotnet as a program without its own instrumentation, and this machine as it is.
export AFL_SKIP_BIN_CHECK=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 AFL_QUIET=1
export AFL_FORKSRV_INIT_TMOUT=60000 DOTNET_TieredPGO=0

fuzz() { # <target>
  local target=$1 out=$work/$1 seeds=("$here/Corpus/$1"/*) dictionary=() stop=()
  rm -rf "$out"
  mkdir -p "$out"
  cd "$out" # for the temporary files of AFL++
  [ "$(head -c 1 "${seeds[0]}" | tr -d '\0')" != "{" ] || dictionary=(-x "$here/json.dict")
  [ -z "${FUZZ_SECONDS:-}" ] || stop=(-V "$FUZZ_SECONDS")
  TMPDIR=$(mktemp -d -p /dev/shm)
  export TMPDIR
  afl-fuzz -i "$here/Corpus/$target" -o "$out" -t 10000 -m none -E "$inputs" "${stop[@]}" "${dictionary[@]}" \
    -- "$(command -v dotnet)" "$program/MlNetFineTune.Fuzz.dll" "$target" >"$out/log" 2>&1 || true
  if [ -f "$out/default/fuzzer_stats" ]; then
    mv "$out/default/"{crashes,hangs,fuzzer_stats} "$out"
    afl-cmin -i "$out/default/queue" -o "$out/corpus" -t 10000 -m none \
      -- "$(command -v dotnet)" "$program/MlNetFineTune.Fuzz.dll" "$target" >>"$out/log" 2>&1 || true
  fi
  rm -rf "$TMPDIR"
  unset TMPDIR
  report "$target"
}

report() { # <target>
  local stats=$work/$1/fuzzer_stats
  if [ ! -f "$stats" ]; then
    echo "$1: afl-fuzz did not run; see $work/$1/log" >&2
    return 1
  fi
  awk -F ' *: *' -v target="$1" '{ value[$1] = $2 } END {
    printf "%s: %d inputs, %d edges, %d in the queue, %d crashes, %d hangs, %.0f inputs a second\n", target, value["execs_done"],
      value["edges_found"], value["corpus_count"], value["saved_crashes"], value["saved_hangs"], value["execs_per_sec"] }' "$stats"
}

case ${1:-} in
  "")
    echo "usage: $0 build | $0 TARGET|all [inputs]; the targets: $(cd "$here/Corpus" && echo *)" >&2
    exit 2
    ;;
  build) build ;;
  *)
    [ "$1" = all ] || [ -d "$here/Corpus/$1" ] || { echo "There is no target '$1'." >&2 && exit 2; }
    [ -d "$program" ] || build
    for folder in "$here"/Corpus/*/; do
      target=$(basename "$folder")
      [ "$1" != all ] && [ "$1" != "$target" ] || fuzz "$target"
    done
    ;;
esac
