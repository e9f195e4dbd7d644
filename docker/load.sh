#!/usr/bin/env bash
# Runs the load test, once, against the stack that runs, and brings its report and chart to out/load.
#   load.sh "docker compose -f docker/compose.yaml -f docker/compose.load.yaml …"
# Exit code: that of `ringfence load` (0 held, 1 not held, 2 something is wrong).
set -uo pipefail
cd "$(dirname "$0")/.."
compose=$1 name=ringfence-load-$$

if [[ -z $($compose ps --quiet --status running enforcement) ]]; then
  echo "The stack does not run: make up LAYERS=\"${LAYERS-load}\"" >&2
  exit 2
fi
built=$(mktemp)
$compose build load > "$built" 2>&1 || { tail -n 30 "$built" >&2; rm "$built"; echo "The image could not be built." >&2; exit 2; }
rm "$built"
trap 'docker rm --force --volumes "$name" > /dev/null 2>&1' EXIT
trap : INT TERM # the load test drains and reports; then there is a report to bring
verdict=0
$compose run --name "$name" load || verdict=$?
mkdir -p out/load && docker cp "$name:/installation/out/." out/load || exit 2
((verdict < 2)) && echo "report and chart: out/load"
exit $verdict
