#!/usr/bin/env bash
# usage: ceph-rgw.sh FOLDER MON_PORT RGW_PORT
# A Ceph cluster of one monitor, one OSD in memory and one object gateway (S3) on loopback. Says "ready" when the gateway
# answers; the user's keys are then in FOLDER/user.json. Ends when its standard input does: the kernel closes it also
# when whoever holds the other end is killed. Lines it takes: "down" (kill the gateway), "up" (let it come back).
set -euo pipefail
readonly folder="$1" mon_port="$2" rgw_port="$3"
export CEPH_CONF="$folder/ceph.conf" PATH="$PATH:/usr/sbin:/sbin"
umask 077
mkdir -p "$folder"/{mon,osd,run}
cd "$folder"
echo $$ >supervisor.pid
daemons=()

# Nothing here is worth a clean end. Whatever kills this shell, its daemons die with it: PDEATHSIG.
clean_up() {
  trap - EXIT TERM INT HUP
  ((${#daemons[@]})) && kill -KILL "${daemons[@]}" 2>/dev/null && wait 2>/dev/null
  cd / && rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 143' TERM INT HUP

daemon() {
  setpriv --pdeathsig KILL "$@" >>daemons.out 2>&1 </dev/null &
  daemons+=($!)
}

cluster_id="$(</proc/sys/kernel/random/uuid)"
cat >ceph.conf <<CONF
[global]
fsid = $cluster_id
mon host = v2:127.0.0.1:$mon_port
public network = 127.0.0.0/8
ms bind ipv6 = false
# cephx, for with "none" clients hang.
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = $folder/keyring
run dir = $folder/run
# No admin sockets: their paths may not be longer than 107 bytes.
admin socket =
pid file =
log file = $folder/\$name.log
mon data = $folder/mon
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 17179869184
# One copy of everything; the gateway makes eight pools.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
# Nobody to agree with: without these the eight pools take twelve seconds to make.
paxos propose interval = 0.02
paxos min wait = 0.01
# A busy machine is not a dead one.
osd heartbeat grace = 3600

[client.rgw.a]
# Without tcp_nodelay a GET of 4 KiB takes 46 ms.
rgw frontends = beast endpoint=127.0.0.1:$rgw_port tcp_nodelay=1
# 1 is where the access log is.
debug rgw = 1
rgw enable lc threads = false
rgw dynamic resharding = false
CONF

authorize() { ceph-authtool keyring -n "$1" --gen-key "${@:2}" >>setup.out; }
ceph-authtool --create-keyring keyring >>setup.out
authorize mon. --cap mon 'allow *'
authorize client.admin --cap mon 'allow *' --cap osd 'allow *'
authorize client.rgw.a --cap mon 'allow rw' --cap osd 'allow rwx'
authorize osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'

{
  monmaptool --create --addv a "[v2:127.0.0.1:$mon_port]" --fsid "$cluster_id" monmap
  ceph-mon --mkfs -i a --monmap monmap --keyring keyring
} >>setup.out 2>&1
daemon ceph-mon -c "$CEPH_CONF" -f -i a
{
  timeout 60 ceph osd create
  timeout 60 ceph osd crush add osd.0 1 root=default host=local
  timeout 60 ceph auth import -i keyring
  ceph-osd -i 0 --mkfs
} >>setup.out 2>&1
daemon ceph-osd -c "$CEPH_CONF" -f -i 0

# The gateway aborts on some odd requests: it comes back.
# shellcheck disable=SC2016
daemon bash -c '
  while :; do
    while [[ -e down ]]; do sleep 0.05; done
    setpriv --pdeathsig KILL radosgw -c "$CEPH_CONF" -f -n client.rgw.a &
    echo $! >gateway.pid
    wait $!
    echo "the gateway ended with $?"
    sleep 0.2
  done'

gateway_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$rgw_port") 2>/dev/null; }
await_gateway() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    gateway_answers && return
    sleep 0.1
  done
  echo 'the gateway does not listen' >&2
  exit 1
}

await_gateway
timeout 60 radosgw-admin user create --uid=ocache --display-name=ocache -n client.rgw.a >user.json 2>>setup.out
echo ready
while read -r command; do
  case "$command" in
    down)
      touch down
      kill -KILL "$(<gateway.pid)" 2>/dev/null || true
      while gateway_answers; do sleep 0.02; done
      echo down
      ;;
    up)
      rm -f down
      await_gateway
      echo up
      ;;
  esac
done
