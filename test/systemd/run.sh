#!/usr/bin/env bash
# Boots a real systemd in a container over this machine's own files (nothing of it is changed) and
# runs the shipped unit in it: readiness, restart after kill -9, restart by the watchdog after a hang,
# reload, stop. Needs root and systemd-nspawn (Debian: systemd-container). Prints what it checked.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
project="$(cd "$here/../.." && pwd)"
node="$(dirname "$(readlink -f "$project/node_modules/.bin/node")")"

if [ "${1:-}" != inside-namespace ]; then
  command -v systemd-nspawn >/dev/null || { echo "SKIPPED: systemd-nspawn is not installed"; exit 0; }
  [ "$(id -u)" = 0 ] || { echo "SKIPPED: needs root"; exit 0; }
  # Every mount below vanishes with this namespace.
  exec unshare --mount --propagation private "$0" inside-namespace
fi

work="$(mktemp -d)"
trap 'umount -R "$work" 2>/dev/null || true; rm -rf "$work"' EXIT
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/internal" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/internal" "$work/root"
root="$work/root"

install -d "$root/opt/orchd/bin"
printf '#!/bin/sh\nexec %s/node %s/dist/cli/orchd.js "$@"\n' "$node" "$project" >"$root/opt/orchd/bin/orchd"
chmod +x "$root/opt/orchd/bin/orchd"
units="$root/etc/systemd/system"
: >"$root/etc/machine-id"
rm -rf "$units"/*.wants
cp "$project/systemd/orchd@.service" "$units/"
install -d "$units/orchd@.service.d"
cat >"$units/orchd@.service.d/test.conf" <<CONF
[Service]
Environment=PATH=/opt/orchd/bin:/usr/bin:/bin HOME=/root
WatchdogSec=3s
CONF
cp "$here/inside.sh" "$root/opt/orchd/inside.sh"
cat >"$units/check.service" <<CONF
[Unit]
After=basic.target
[Service]
Type=oneshot
Environment=PATH=/opt/orchd/bin:/usr/bin:/bin HOME=/root
ExecStart=/bin/bash /opt/orchd/inside.sh
ExecStopPost=/bin/systemctl poweroff --no-block
StandardOutput=file:/check.out
StandardError=inherit
CONF
printf '[Unit]\nRequires=basic.target check.service\n' >"$units/check.target"

timeout -k 5 120 systemd-nspawn -q -D "$root" --register=no --keep-unit --private-network \
  -M "orchd-check-$$" -b --console=pipe --bind-ro="$project" systemd.unit=check.target \
  </dev/null >/dev/null 2>&1 || true
cat "$root/check.out"
rmdir /sys/fs/cgroup/{unified,systemd}/{payload/init.scope,payload,supervisor} 2>/dev/null || true
grep -q '^all checks passed$' "$root/check.out"
