#!/usr/bin/env bash
# Builds the image, starts the stack, waits until every part is healthy, and says where to look.
#   up.sh "docker compose -f docker/compose.yaml …"
# WAIT_SECONDS: how long it may take until all are healthy.
set -euo pipefail
cd "$(dirname "$0")/.."
compose=$1

built=$(mktemp)
trap 'rm -f "$built"' EXIT
$compose build preparation > "$built" 2>&1 || { tail -n 30 "$built" >&2; echo "The image could not be built." >&2; exit 1; }
$compose pull --quiet --ignore-buildable --policy missing 2> /dev/null || true # an image that cannot be had is said below
began=$SECONDS
if ! $compose up --detach --no-build; then
  echo "It did not start. What the last container said:" >&2
  $compose logs --tail 5 preparation opening >&2
  exit 1
fi

# Health is the containers' own; here it is only waited for.
pending() {
  $compose ps --all --format '{{.Service}} {{.State}} {{.Health}}' | grep -vE '^(preparation|opening) exited' |
    awk '!($2 == "running" && ($3 == "healthy" || $3 == ""))'
}
until [ -z "$(pending)" ]; do
  if ((SECONDS - began > ${WAIT_SECONDS:-180})); then
    printf 'Not healthy after %s s:\n%s\nSee: make logs\n' $((SECONDS - began)) "$(pending)" >&2
    exit 1
  fi
  sleep 1
done
echo "Healthy after $((SECONDS - began)) s."

port() { $compose port "$1" "$2" 2> /dev/null || true; }
tool="$compose run --rm"
load=
[[ " ${LAYERS-} " == *" load "* ]] && load="make load LAYERS=\"$LAYERS\"   (its report goes to out/load)"
cat <<TEXT

  dashboards     http://$(port grafana 3000)   anyone on this machine may look, nobody can change anything
  Prometheus     http://$(port prometheus 9090)
  alerts         http://$(port alertmanager 9093)

  what the police get      $compose logs --follow police
  suspend, resume          $tool governance suspend --why "court order"
                           $tool governance resume --why "lifted"
  who may do what          $tool operator access matrix --bootstrap kafka:19092
${load:+  load test                $load
}  stop                     make down${LAYERS:+ LAYERS="$LAYERS"}   (its data stay; make down-all removes them)

Kafka is reached from inside alone, over TLS, each part with a user and a password of its own (SCRAM-SHA-512).
TEXT
