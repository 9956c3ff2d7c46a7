#!/usr/bin/env bash
# Runs inside the container that run.sh boots. Every check prints a line; the first that fails ends it.
set -euo pipefail
unit='orchd@srv-project.service'

eventually() { # TEXT COMMAND…: true within ten seconds
  local text=$1
  shift
  for _ in $(seq 200); do
    if "$@" >/dev/null 2>&1; then
      echo "ok: $text"
      return
    fi
    sleep 0.05
  done
  echo "FAILED: $text"
  systemctl status "$unit" --no-pager || true
  journalctl -u "$unit" --no-pager | tail -n 30 || true
  exit 1
}
main_pid() { systemctl show "$unit" -p MainPID --value; }
restarts() { systemctl show "$unit" -p NRestarts --value; }
answers() { [ "$(orchd status --repo /srv/project --json | grep -c "\"pid\":$(main_pid)")" = 1 ]; }
restarted() { [ "$(restarts)" -ge "$1" ] && answers; }
lands() { orchd run --repo /srv/project --shell "echo $1 > $1.txt" && [ -f "/srv/project/$1.txt" ]; }

git init -q -b main /srv/project
cd /srv/project
git config user.name Check
git config user.email check@example.org
echo 'max_parallel: 1' >orchd.yaml
git add . && git commit -q -m begin

systemctl start "$unit"
echo "ok: systemctl start returned, so READY=1 was heard"
eventually 'the supervisor answers and is the main process' answers
eventually 'a task lands' lands first

# The first start would never end: it must be ended with the service, and run again after it.
long='echo start >>/tmp/starts; [ "$(wc -l </tmp/starts)" -gt 1 ] || sleep 600; echo long >long.txt'
printf 'id: long\nrun: { shell: %s }\n' "'$long'" | orchd submit --repo /srv/project -
eventually 'an agent runs' test -s /tmp/starts

systemd_pid=$(main_pid)
kill -9 "$systemd_pid"
eventually 'it is started again after kill -9' restarted 1
eventually 'the agent was ended with the service and its task runs again' test -f /srv/project/long.txt
[ "$(wc -l </tmp/starts)" = 2 ]
eventually 'a task lands after the restart' lands second

kill -STOP "$(main_pid)"
eventually 'a hung supervisor is killed by the watchdog and started again' restarted 2
eventually 'a task lands after the hang' lands third

echo 'max_parallel: 2' >orchd.yaml
systemctl reload "$unit"
two_workers() { orchd workers --json | grep -q worker-2; }
eventually 'reload takes a new orchd.yaml over' two_workers

systemctl stop "$unit"
[ "$(systemctl show "$unit" -p Result --value)" = success ]
echo 'ok: stopped with success'
nothing_left() { ! pgrep -f 'worker/main|orchd.js' && [ ! -e /srv/project/.aibrain/orchd.sock ]; }
eventually 'no process and no socket is left' nothing_left
echo 'all checks passed'
