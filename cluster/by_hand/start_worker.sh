#!/usr/bin/env bash
# Join this host to a Ray cluster that start_head.sh started, with token authentication, on a private address.
#
#   start_worker.sh HEAD_ADDRESS ADDRESS [further options of `ray start`]
#
# Runs until it is stopped (Ctrl-C, or SIGTERM to its process id), and then ends every Ray process that it started;
# lives that were under way here are lived elsewhere. ADDRESS is this host's own address in the private network.
set -euo pipefail

die() {
  echo "start_worker.sh: $*" >&2
  exit 2
}

is_private() { # RFC 1918, RFC 6598 (overlay networks), loopback
  [[ $1 =~ ^(10|127)\. || $1 =~ ^192\.168\. || $1 =~ ^172\.(1[6-9]|2[0-9]|3[01])\. ||
    $1 =~ ^100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\. ]]
}

head=${1:-}
address=${2:-}
[[ -n $head && -n $address ]] || die "usage: start_worker.sh HEAD_ADDRESS ADDRESS [options of ray start]"
shift 2
for each in "$head" "$address"; do
  is_private "$each" ||
    die "$each is not a private address: Ray's traffic is not encrypted; use a private network, VPN or overlay"
done
command -v ray > /dev/null || die "ray is not on PATH: activate the environment that evolearn is installed in"

export RAY_AUTH_MODE=token
token=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
[[ -s $token ]] || die "no token at $token: copy the head's there: scp -p $head:.ray/auth_token $token"
chmod 600 "$token"

exec ray start --block --address="$head:6379" --node-ip-address="$address" \
  --node-manager-port=6380 --object-manager-port=6381 --runtime-env-agent-port=6382 \
  --dashboard-agent-listen-port=6383 --dashboard-agent-grpc-port=6384 --metrics-export-port=6385 \
  --min-worker-port=11000 --max-worker-port=11999 "$@"
