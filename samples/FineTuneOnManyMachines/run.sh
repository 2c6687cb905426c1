#!/usr/bin/env bash
# Builds the sample and runs it in several processes on this machine: run.sh [NUMBER OF PROCESSES] [arguments of the program]
set -euo pipefail
cd "$(dirname "$0")"
number=2
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  number=$1
  shift
fi

dotnet build -c Release -v quiet -clp:NoSummary
program=$(find bin/Release -maxdepth 2 -name FineTuneOnManyMachines.dll -print -quit)

mpirun=$(command -v mpirun.openmpi || command -v mpirun || true)
if [ -z "$mpirun" ]; then
  echo "mpirun is not installed (Debian: apt-get install openmpi-bin): one process trains alone." >&2
  exec dotnet "$program" "$@"
fi

# In containers programs run as root. More processes than cores are allowed, and none is bound to a core. Only Open MPI knows all this.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
options=()
if "$mpirun" --version 2>&1 | grep "open-mpi.org" >/dev/null; then
  options=(--oversubscribe --bind-to none)
fi
exec "$mpirun" "${options[@]}" -np "$number" dotnet "$program" "$@"
