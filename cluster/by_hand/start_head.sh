#!/usr/bin/env bash
# Start the head of a Ray cluster on this host, with token authentication, on a private address.
#
#   start_head.sh ADDRESS [further options of `ray start`]
#
# Runs until it is stopped (Ctrl-C, or SIGTERM to its process id), and then ends every Ray process that it started.
# ADDRESS is this host's address in the private network that the workers are in. `ray` must be on PATH: activate the
# environment that evolearn is installed in. Ports, all fixed, for the firewall: see cluster/README.md.
set -euo pipefail

die() {
  echo "start_head.sh: $*" >&2
  exit 2
}

is_private() { # RFC 1918, RFC 6598 (overlay networks), loopback
  [[ $1 =~ ^(10|127)\. || $1 =~ ^192\.168\. || $1 =~ ^172\.(1[6-9]|2[0-9]|3[01])\. ||
    $1 =~ ^100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\. ]]
}

address=${1:-}
[[ -n $address ]] || die "usage: start_head.sh ADDRESS [options of ray start]; ADDRESS is this host's private address"
shift
is_private "$address" ||
  die "$address is not a private address: Ray's traffic is not encrypted; use a private network, VPN or overlay"
command -v ray > /dev/null || die "ray is not on PATH: activate the environment that evolearn is installed in"

# `ray start` without a token runs unauthenticated: whoever reaches its ports runs code here.
export RAY_AUTH_MODE=token
token=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
if [[ ! -s $token ]]; then
  [[ -z ${RAY_AUTH_TOKEN_PATH:-} ]] || die "RAY_AUTH_TOKEN_PATH=$token: no such file, or an empty one"
  umask 077
  ray get-auth-token --generate > /dev/null
fi
chmod 600 "$token"
echo "Token: $token. Copy it to every worker, mode 600: scp -p $token WORKER:.ray/auth_token"

# The port for ray:// is 10001 where ray[client] is installed, and closed where it is not: that is ray's default.
exec ray start --head --block --disable-usage-stats --node-ip-address="$address" --port=6379 \
  --dashboard-host=127.0.0.1 --dashboard-port=8265 \
  --node-manager-port=6380 --object-manager-port=6381 --runtime-env-agent-port=6382 \
  --dashboard-agent-listen-port=6383 --dashboard-agent-grpc-port=6384 --metrics-export-port=6385 \
  --min-worker-port=11000 --max-worker-port=11999 "$@"
