#!/usr/bin/env bash
# Whether the compose demo can start here, with the layers in LAYERS. One line for each thing looked at; exit code 1 if one is in the way.
set -uo pipefail
cd "$(dirname "$0")"
bad=0
project=ringfence
[[ " ${LAYERS-} " == *" scale "* ]] && project=ringfence-scale
ok() { printf '  ok    %s\n' "$1"; }
no() { printf '  FAIL  %s\n' "$1"; bad=1; }
stop() { no "$1"; exit 1; }

setting() { # of the shell, else of .env
  local value=${!1-}
  printf '%s' "${value:-$(sed -n "s/^$1=//p" .env)}"
}

command -v docker > /dev/null || stop "docker is not installed: see docs.docker.com/engine/install"
docker info > /dev/null 2>&1 || stop "the Docker engine does not answer: start it, or see whether you may use it"
ok "Docker engine $(docker version --format '{{.Server.Version}}' 2> /dev/null), $(docker version --format '{{.Server.Arch}}')"

version=$(docker compose version --short 2> /dev/null) || stop "docker compose is missing: install the compose plugin, version 2.20 or later"
major=${version#v} minor=${version#*.}
if ((${major%%.*} > 2 || (${major%%.*} == 2 && ${minor%%.*} >= 20))); then ok "docker compose $version"
else no "docker compose $version is too old: 2.20 or later is needed"; fi

memory=$(($(docker info --format '{{.MemTotal}}') / 1024 / 1024))
if ((memory >= 3500)); then ok "memory: $memory MiB for containers"
else no "memory: $memory MiB for containers; 3,500 are needed (Docker Desktop: Settings, Resources)"; fi

running=$(docker ps --filter label=com.docker.compose.project=$project --format '{{.Names}}' | head -n 1)
for name in GRAFANA_PORT PROMETHEUS_PORT ALERTMANAGER_PORT; do
  port=$(setting $name)
  if [[ -n $running ]]; then ok "port $port: $project is running already"
  elif (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then no "port $port is in use: $name=… make up"
  else ok "port $port is free"; fi
done

image=$(setting RINGFENCE_IMAGE)
if docker volume inspect ${project}_master > /dev/null 2>&1 && docker image inspect "$image" > /dev/null 2>&1; then
  look() { docker run --rm --network none --read-only --cap-drop ALL --volume ${project}_master:/var/lib/ringfence:ro "$@"; }
  layout=$(look --entrypoint cat "$image" /var/lib/ringfence/VERSION 2> /dev/null)
  want=$(look --entrypoint python "$image" -c 'from ringfence.installation import LAYOUT; print(LAYOUT)' 2> /dev/null)
  if [[ -z $layout ]]; then ok "volumes: an earlier preparation did not finish; it will be done again"
  elif [[ $layout == "$want" ]]; then ok "volumes: layout $layout"
  else no "volumes: layout $layout, and this version wants $want: make down-all removes them"; fi
  if [[ -n $layout ]]; then
    if said=$(look "$image" certs check 2>&1); then ok "$said"
    elif [[ $said == *ended* ]]; then ok "certificate: it has ended; the next \`make down up\` makes a new one"
    else no "${said#ringfence: }"; fi
  fi
else
  ok "volumes: none yet; secrets and certificates are made at the first start"
fi
if [[ " ${LAYERS-} " == *" replay "* ]]; then
  pictures=$(setting PICTURES)
  if [[ -d $pictures ]]; then ok "pictures: $pictures"; else no "there is no folder $pictures: PICTURES=… LAYERS=replay make up"; fi
fi
for layer in ${LAYERS-}; do [[ -f compose.$layer.yaml ]] || no "there is no layer $layer: load, replay, scale"; done
exit $bad
