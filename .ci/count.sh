# What a test run has come to, from what it left behind. Sourced by .ci/run, and tried by .ci/selftest.
# A project leaves two files in TestResults: its report (trx), written at the end, and a journal (tests/Shared/TestJournal.cs), written test by
# test, which is there even when the process died.

# The test projects of the solutions here, a path a line.
test_projects() {
  local project
  sed -n 's/^Project(.*) = "[^"]*", "\([^"]*\.csproj\)".*/\1/p' ./*.sln | tr '\\' '/' | while IFS= read -r project; do
    if grep -qs '<IsTestProject>true' "$project"; then echo "$project"; fi
  done
}

# left_by <project> <extension>: the file of that kind that the project's last run left; nothing where there is none.
left_by() { find "$(dirname "$1")" -path '*/TestResults/*' -name "$(basename "$1" .csproj).$2" -print -quit 2>/dev/null; }

# listed_in <file> <project>: how many tests the project has, by the output of --list-tests; where that failed, by its source.
listed_in() {
  local found
  found=$(sed -n 's/^Test discovery summary: found \([0-9]*\) test(s).*/\1/p' "$1" 2>/dev/null | tail -n 1)
  if [ -n "$found" ]; then echo "$found"; else find "$(dirname "$2")" -name '*.cs' -not -path '*/obj/*' -exec cat {} + | grep -c '\[TestMethod\b'; fi
}

# How `dotnet test` says that a project's process ended with another code than 0; nothing where it says none.
exit_code_of() { # <project> <log>
  awk -v name="/$(basename "$1" .csproj).dll (" 'found && /Exit code: -?[0-9]+/ { print $NF; exit } { found = index($0, name) && / failed/ }' "$2"
}

# 136 -> "died of SIGFPE (exit code 136)"; a code that is no signal's -> "ended with exit code 3".
how_it_ended() {
  case $1 in
    132) echo "died of SIGILL: an instruction that this processor lacks (exit code 132)" ;;
    134) echo "died of SIGABRT: abort(), an uncaught C++ exception, or a fatal error of .NET (exit code 134)" ;;
    135) echo "died of SIGBUS (exit code 135)" ;;
    136) echo "died of SIGFPE: a division by zero in native code (exit code 136)" ;;
    137) echo "died of SIGKILL: out of memory, or killed from outside (exit code 137)" ;;
    139) echo "died of SIGSEGV (exit code 139)" ;;
    143) echo "died of SIGTERM (exit code 143)" ;;
    *) if [ "$1" -gt 128 ] 2>/dev/null && [ "$1" -lt 193 ]; then echo "died of signal $(($1 - 128)) (exit code $1)"; else echo "ended with exit code $1"; fi ;;
  esac
}

# The counter of a report, 0 where there is none.
counter() {
  local value
  value=$(grep -o '<Counters [^>]*' "$1" | grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]*')
  echo "${value:-0}"
}

# The name and reason of each test that a report says was skipped.
skipped() {
  tr '\n' ' ' <"$1" | sed 's/<UnitTestResult /\n&/g; s/<\/Results>/\n/' | grep '^<UnitTestResult .*outcome="NotExecuted"' |
    sed -E 's/.* testName="([^"]*)".*/SKIPPED: \1\t&/; s/\t.*<(Message|StdOut)>([^<]*)<.*/: \2/; s/\t.*//' |
    sed 's/: Assert.Inconclusive failed\. /: /; s/&lt;/</g; s/&gt;/>/g; s/&quot;/"/g; s/&amp;/\&/g' || true
}

# Of a journal ("began<TAB>class<TAB>name", "ended<TAB>class<TAB>name<TAB>outcome"): how many ended so, and which began and did not end.
ended_as() { awk -F '\t' -v outcomes=" $2 " '$1 == "ended" && index(outcomes, " " $4 " ") { n++ } END { print n + 0 }' "$1"; }
unfinished() {
  awk -F '\t' '$1 == "began" { open[$2 "." $3]++ } $1 == "ended" { open[$2 "." $3]-- } END { for (name in open) if (open[name] > 0) print name }' "$1"
}

# unreached <list> <journal>: the names in the list that did not end in the journal. The list holds some tests with many rows of data under one
# name, "Test" for "Test (1)" and "Test (2)": such a test counts as reached when one of its rows has ended.
unreached() {
  awk -F '\t' '
    NR == FNR { if ($1 == "ended") { ended[$3]++; at = index($3, " ("); if (at > 1) rows[substr($3, 1, at - 1)] = 1 } next }
    /^Test discovery summary/ { exit }
    /^  [^ ]/ { name = substr($0, 3); if (ended[name] > 0) ended[name]--; else if (!(name in rows)) print name }' "$2" "$1"
}

# named <count>: the first so many lines of the input, as 'one', 'two'.
named() { head -n "$1" | sed "s/.*/'&'/" | paste -sd, | sed "s/,'/, '/g"; }

# count_project <project> <list> <log> <why>: adds the project's tests to `passed` and `failed`, and names what failed.
# <list> is the output of --list-tests, <log> that of dotnet test, <why> the reason of a missing report that is known already, or "".
count_project() {
  local project=$1 log=$3 why=$4 name report journal code expected results=0 missing wrong=0 during="" such=""
  name=$(basename "$project" .csproj)
  report=$(left_by "$project" trx)
  journal=$(left_by "$project" journal)
  code=$(exit_code_of "$project" "$log")
  expected=$(listed_in "$2" "$project")

  if [ -n "$report" ] && grep -q '<Counters ' "$report"; then
    results=$(counter "$report" total)
    passed=$((passed + $(counter "$report" passed)))
    wrong=$((results - $(counter "$report" passed) - $(counter "$report" notExecuted)))
    skipped "$report"
    # 2 is the runner's word for "a test failed". Any other code is more than that, also after a whole report.
    if [ -n "$why" ] && [ "$results" -lt "$expected" ]; then
      wrong=$((wrong + 1))
      echo "FAILED: $name: $why"
    elif [ -n "$code" ] && { [ "$code" != 2 ] || [ "$wrong" = 0 ]; }; then
      wrong=$((wrong + 1))
      echo "FAILED: $name: its process $(how_it_ended "$code")"
    fi
  else
    if [ -n "$journal" ]; then
      results=$(ended_as "$journal" "Passed Failed Error Timeout Aborted Unknown Inconclusive NotRunnable NotFound InProgress")
      passed=$((passed + $(ended_as "$journal" Passed)))
      wrong=$((results - $(ended_as "$journal" "Passed Inconclusive")))
      during=$(unfinished "$journal" | named 3)
    fi
    [ -n "$why" ] || { [ -n "$code" ] && why="its process $(how_it_ended "$code")"; } || why="its process says nothing of why"
    wrong=$((wrong + 1))
    echo "FAILED: $name left no report: $why${during:+, while it ran $during}"
  fi

  missing=$((expected - results))
  # Of a run that was broken off the names say more than the numbers: the list counts some tests with many rows once.
  if { [ -z "$report" ] || [ -n "$why" ]; } && [ -s "$journal" ] && grep -q '^Test discovery summary' "$2"; then
    missing=$(unreached "$2" "$journal" | wc -l)
    such=$(unreached "$2" "$journal" | named 5)
  fi
  if [ "$missing" -gt 0 ]; then
    wrong=$((wrong + missing))
    echo "FAILED: $name: $missing of its $expected tests have no result: they never ran to an end${such:+, such as $such}"
  fi
  failed=$((failed + wrong))
}
