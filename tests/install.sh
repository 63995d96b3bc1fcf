# Sourced by the scripts here: installs what they need and is missing.

need() { # command, Debian package
  PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null || debian "$2"
}

debian() { # Debian package; a service in it is not started
  local policy=/usr/sbin/policy-rc.d ours= status=0
  echo "installing $1" >&2
  [ "$(id -u)" = 0 ] || { echo "the Debian package $1 is missing: install it, or run this as root" >&2; exit 1; }
  [ -n "${updated:-}" ] || { apt-get update -qq; updated=yes; }
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    ours=yes
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1" >/dev/null || status=$?
  [ -z "$ours" ] || rm -f "$policy"
  return "$status"
}

venv() { # directory, then packages of PyPI with their versions
  local dir=$1
  shift
  [ "$*" != "$(cat "$dir/installed" 2>/dev/null)" ] || return 0
  rm -rf "$dir"
  mkdir -p "$(dirname "$dir")"
  if ! python3 -m venv "$dir" >/dev/null 2>&1; then
    debian python3-venv
    rm -rf "$dir"
    python3 -m venv "$dir"
  fi
  # The network may fail for a moment.
  local left=3
  until "$dir/bin/pip" install --quiet --disable-pip-version-check "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 5
  done
  echo "$*" >"$dir/installed"
}
