#!/usr/bin/env bash
# Puts the servers and programs that apel embeds into the cache folder, beside the host and not into it:
#
#   setup/install.sh [asterisk] [redis] [speech] [sipp]      none named: all
#
# Each part is a private root folder: Debian packages are downloaded by an apt with folders of its own, their
# signatures checked, and only unpacked. Nothing is configured, no post-install script runs, the host's packages stay
# as they are, and root is not needed. A program is started through the C library of its own root, so the host's
# release does not matter. A program that the host already has, and that is new enough, is used instead.
#
#   APEL_OWN=1       download even what the host has
#   APEL_MIRROR=URL  the Debian mirror (default: the one that the host's apt uses, else deb.debian.org)
#   APEL_CACHE=FOLDER  instead of $XDG_CACHE_HOME/apel
#
# What it leaves: bin/NAME (what to run), roots/PART, stamps/PART (facts for the service; there when the part has been
# tried and works), logs/PART.log.
set -uo pipefail
umask 022

CACHE="${APEL_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/apel}"
LAYOUT=1                # grows when the shape of a root, a wrapper or a stamp changes: old ones are then made anew
ALL_PARTS="asterisk redis speech sipp"
KEYRING=

say() { printf '%s\n' "$*"; }
fail() { printf 'apel set-up: %s\n' "$*" >&2; exit 1; }
title() {
  case $1 in asterisk) echo Asterisk ;; redis) echo Redis ;; speech) echo 'Speech (espeak-ng, sox)' ;; sipp) echo SIPp ;; esac
}
# Where the user without any of this turns to; every dead end below names it.
elsewhere() {
  case $1 in
    asterisk) echo "Install Asterisk 20 or later on this host (it is then found by itself), or use the containers in docker/." ;;
    *) echo "Install redis-server, sip-tester, espeak-ng and sox with the host's own package manager (they are then found by themselves), or use the containers in docker/." ;;
  esac
}
stamped() { [ "$(head -n 1 "$CACHE/stamps/$1" 2>/dev/null)" = "layout=$LAYOUT" ] && still_there "$1"; }
# A stamp is only as good as what it names: a host's program may have been removed since.
still_there() {
  local program
  for program in $(programs_of "$1"); do [ -x "$CACHE/bin/$program" ] && "own_or_present" "$program" || return 1; done
}
own_or_present() {
  local target
  target=$(sed -n 's/^# runs //p' "$CACHE/bin/$1")
  [ -x "$target" ]
}
programs_of() {
  case $1 in
    asterisk) echo asterisk ;;
    redis) echo redis-server redis-cli ;;
    speech) echo espeak-ng sox ;;
    sipp) echo sipp tcpdump ;;
  esac
}

[ "$CACHE" != /.cache/apel ] || fail "neither HOME nor XDG_CACHE_HOME is set: there is no cache folder to install into."
case $CACHE in *:*) fail "the cache folder $CACHE has a colon in its name, which a library path cannot hold. Set XDG_CACHE_HOME to another folder." ;; esac
parts=${*:-$ALL_PARTS}
for part in $parts; do
  case " $ALL_PARTS " in *" $part "*) ;; *) printf 'usage: install.sh [%s]\n' "${ALL_PARTS// /] [}" >&2; exit 2 ;; esac
done
missing=
for part in $parts; do stamped "$part" || missing="$missing $part"; done
[ -n "$missing" ] || { say "Everything is in place: $CACHE"; exit 0; }

mkdir -p "$CACHE"/{bin,roots,stamps,logs} || fail "the cache folder $CACHE cannot be written. Set XDG_CACHE_HOME to a folder of yours."
command -v flock >/dev/null || fail "the program flock is missing (package util-linux): without it two set-ups at once would spoil each other's files."
exec 9>"$CACHE/lock"
if ! flock -n 9; then
  say "Another set-up is under way, waiting for it …"
  flock 9
fi
WORK="$CACHE/work"      # everything half-done lives here, and is thrown away by the next run
rm -rf "$WORK" && mkdir -p "$WORK" || fail "cannot clear $WORK, left by an earlier run. Remove it by hand."
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---------------------------------------------------------------------------------------------- finding the host's own

# PATH without our own bin folder, and with the sbin folders that an ordinary user's PATH leaves out.
HOST_PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -vxF "$CACHE/bin" | tr '\n' ':')/usr/local/sbin:/usr/sbin:/sbin
on_host() { PATH=$HOST_PATH command -v "$1" 2>/dev/null; }
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
# `sipp -v` ends with 99 when all is well.
sipp_says() { { "$1" -v || true; } | grep -i 'SIPp v'; }
version_in() { grep -Eo '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1; }

# A host's Asterisk serves only with the modules that calls need, wherever its distribution keeps them.
host_asterisk_folders() {
  local conf=/etc/asterisk/asterisk.conf folder
  modules=$(sed -n 's/^ *astmoddir *=>\{0,1\} *//p' "$conf" 2>/dev/null | head -n 1)
  for folder in "$modules" /usr/lib/*-linux-gnu/asterisk/modules /usr/lib64/asterisk/modules /usr/lib/asterisk/modules /usr/local/lib/asterisk/modules; do
    [ -n "$folder" ] && [ -e "$folder/res_ari.so" ] && [ -e "$folder/app_amd.so" ] && [ -e "$folder/res_pjsip.so" ] && modules=$folder && break
    modules=
  done
  data=$(sed -n 's/^ *astdatadir *=>\{0,1\} *//p' "$conf" 2>/dev/null | head -n 1)
  for folder in "$data" /usr/share/asterisk /var/lib/asterisk; do
    [ -n "$folder" ] && [ -d "$folder/documentation" ] && data=$folder && break
    data=
  done
  [ -n "$modules" ] && [ -n "$data" ]
}

# Sets `version` (and for Asterisk `modules`, `data`) when the host's own programs do for this part.
host_serves() {
  [ "${APEL_OWN:-0}" = 1 ] && return 1
  local program
  for program in $(programs_of "$1"); do
    [ "$program" = tcpdump ] || [ -n "$(on_host "$program")" ] || return 1
  done
  case $1 in
    asterisk)
      version=$("$(on_host asterisk)" -V 2>/dev/null | version_in)
      [ -n "$version" ] && at_least "$version" 20 && host_asterisk_folders ;;
    redis)
      version=$("$(on_host redis-server)" --version 2>/dev/null | version_in)
      [ -n "$version" ] && at_least "$version" 6.2 ;;
    speech) version=$("$(on_host espeak-ng)" --version 2>/dev/null | version_in); [ -n "$version" ] ;;
    # Without PCAP it can press no key.
    sipp) version=$(sipp_says "$(on_host sipp)" | grep PCAP | version_in) && [ -n "$version" ] ;;
  esac
}

# ----------------------------------------------------------------------------------------------------- a private apt

prepare_apt() {
  [ -z "${ARCH:-}" ] || return 0
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    fail "this host has no apt-get and dpkg-deb, which fetch and unpack the Debian packages of the embedded servers. $(elsewhere asterisk)"
  ARCH=$(dpkg --print-architecture)
  case $ARCH in
    amd64) TRIPLET=x86_64-linux-gnu; LOADER=ld-linux-x86-64.so.2 ;;
    arm64) TRIPLET=aarch64-linux-gnu; LOADER=ld-linux-aarch64.so.1 ;;
    *) fail "embedded servers are made for x86-64 and arm64, this host is $ARCH. $(elsewhere asterisk)" ;;
  esac
  find_keyring
  MIRROR=${APEL_MIRROR:-$(host_mirror)}
  say "Packages come from $MIRROR into $CACHE; the host's own packages stay as they are."
}

# An Ubuntu host has its own signed archive, and in it the key of Debian's: trust passes from one to the other.
find_keyring() {
  for KEYRING in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
    [ -r "$KEYRING" ] && return
  done
  if (cd "$WORK" && apt-get download debian-archive-keyring >"$CACHE/logs/keyring.log" 2>&1 && dpkg-deb -x debian-archive-keyring_*.deb keyring); then
    KEYRING="$WORK/keyring/usr/share/keyrings/debian-archive-keyring.gpg"
    [ -r "$KEYRING" ] && return
  fi
  fail "the key that Debian signs its archive with is not on this host, and nothing is installed unchecked. Install the package debian-archive-keyring (sudo apt-get install debian-archive-keyring), then run this again. $(elsewhere asterisk)"
}

host_mirror() {
  local mirror
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '^https?://.*/debian/?$' | head -n 1)
  printf '%s' "${mirror:-http://deb.debian.org/debian}" | sed 's,/*$,,'
}

# private_apt SUITE PROGRAM ARGS…: the host's proxy is kept, nothing else of its set-up.
private_apt() {
  local suite=$1 program=$2 home="$WORK/apt-$1" proxy
  shift 2
  if [ ! -e "$home/sources.list" ]; then
    mkdir -p "$home/state/lists/partial" "$home/cache/archives/partial" && : >"$home/status" || return 1
    printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$ARCH" "$KEYRING" "$MIRROR" "$suite" >"$home/sources.list"
    {
      for proxy in http https; do
        apt-config dump --format '%f %v;%n' 2>/dev/null | sed -n "s/^\(Acquire::$proxy::Proxy\) \(..*\);$/\1 \"\2\";/p"
      done
      cat <<END
Dir::State "$home/state"; Dir::State::lists "$home/state/lists"; Dir::State::status "$home/status";
Dir::Cache "$home/cache"; Dir::Etc::sourcelist "$home/sources.list"; Dir::Etc::sourceparts "-";
Acquire::Check-Valid-Until "false"; Acquire::Languages "none"; Acquire::Retries "3";
APT::Architecture "$ARCH"; APT::Install-Recommends "false"; APT::Sandbox::User ""; APT::Update::Error-Mode "any"; Debug::NoLocking "1";
END
    } >"$home/apt.conf"
  fi
  # A snapshot mirror's index is past its date, hence Check-Valid-Until; the signature is still checked.
  APT_CONFIG="$home/apt.conf" "$program" -o Dir::Etc::parts=/nonexistent -o Dir::Etc::main=/nonexistent "$@"
}

blame() {      # blame PART WHAT LOG: the likely cause in the log, as a sentence
  local part=$1 what=$2 log=$3
  if grep -qiE 'no space left|write error|not enough free space|disk full' "$log"; then
    fail "$(title "$part"): the disk of $CACHE is full (about 1 GB is needed for all parts). Free some space, or set XDG_CACHE_HOME to a folder on another disk."
  elif grep -qiE 'NO_PUBKEY|not signed|invalid signature|BADSIG|EXPKEYSIG' "$log"; then
    fail "$(title "$part"): the signature of $MIRROR does not match the key in $KEYRING. Bring the package debian-archive-keyring up to date, or name another mirror with APEL_MIRROR=URL."
  elif grep -qiE 'resolv|could not connect|failed to fetch|connection (refused|timed out|failed)|network is unreachable|unable to connect' "$log"; then
    fail "$(title "$part"): $MIRROR cannot be reached ($what). Check the network and the proxy, or name another mirror with APEL_MIRROR=URL. $(elsewhere "$part")"
  fi
  tail -n 5 "$log" >&2
  fail "$(title "$part"): $what failed; the whole output is in $log. $(elsewhere "$part")"
}

update_lists() {
  local suite=$1 part=$2 log="$CACHE/logs/$2.log"
  [ -e "$WORK/apt-$suite/updated" ] && return
  if ! private_apt "$suite" apt-get update >>"$log" 2>&1; then
    # A mirror of one's own company may carry the stable suites alone.
    if [ -z "${APEL_MIRROR:-}" ] && [ "$MIRROR" != http://deb.debian.org/debian ]; then
      say "$MIRROR does not serve $suite, trying http://deb.debian.org/debian"
      MIRROR=http://deb.debian.org/debian
      rm -rf "$WORK/apt-$suite"
      private_apt "$suite" apt-get update >>"$log" 2>&1 || blame "$part" "reading the list of packages" "$log"
    else
      blame "$part" "reading the list of packages" "$log"
    fi
  fi
  : >"$WORK/apt-$suite/updated"
}

# What dependencies drag in and no program of ours ever opens: a third of the files.
NOT_UNPACKED='^(adduser|base-passwd|debconf|dirmngr|gcc-[0-9]+-base|gnupg|gnupg-l10n|gpg|gpg-agent|gpgconf|gpgsm|init-system-helpers|libpam-.*|login\.defs|lsb-base|passwd|pci\.ids|perl|perl-base|perl-modules-.*|pinentry-curses|sysvinit-utils|tar|tzdata|ucf|sensible-utils|xkb-data)_'

# fetch_root PART SUITE PACKAGES…: roots/PART, whole or not at all. Sets `downloaded` (MB).
fetch_root() {
  local part=$1 suite=$2 log="$CACHE/logs/$1.log" new="$WORK/root-$1" free room=300
  shift 2
  : >"$log"
  free=$(df -Pk "$CACHE" | awk 'NR == 2 { print int($4 / 1024) }')
  [ "$part" != asterisk ] || room=700
  [ "${free:-9999}" -ge $room ] || fail "$(title "$part"): only $free MB are free on the disk of $CACHE and $room are needed while unpacking. Free some space, or set XDG_CACHE_HOME to a folder on another disk."
  update_lists "$suite" "$part"
  if [ "$part" = asterisk ]; then
    local offered
    offered=$(private_apt "$suite" apt-cache policy asterisk 2>>"$log" | sed -n 's/^ *Candidate: *\([0-9]*:\)\{0,1\}//p' | version_in)
    if [ -z "$offered" ] || ! at_least "$offered" 20; then
      # One fetched before (or brought from another machine) is worth more than none.
      if [ -x "$CACHE/roots/asterisk/usr/sbin/asterisk" ]; then
        say "Debian's $suite suite has no Asterisk 20 or later now (${offered:-none}); the one in $CACHE/roots/asterisk is kept."
        mv "$CACHE/roots/asterisk" "$new"
        return
      fi
      fail "Debian's $suite suite at $MIRROR has no Asterisk 20 or later (it offers ${offered:-none}). $(elsewhere asterisk) The folder roots/asterisk from another machine's cache folder, copied into $CACHE/roots, does too: run this again then."
    fi
  fi
  private_apt "$suite" apt-get install -y --download-only "$@" >>"$log" 2>&1 || blame "$part" "downloading" "$log"
  # The archives of an earlier part may lie there as well: only those of this one are unpacked.
  private_apt "$suite" apt-get install -y -s "$@" 2>>"$log" | sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1 \2/p' | sed 's/:/%3a/g' |
    while read -r package version; do
      ls "$WORK/apt-$suite/cache/archives/${package}_${version}_"*.deb
    done >"$WORK/debs-$part" 2>>"$log"
  downloaded=$(tr '\n' '\0' <"$WORK/debs-$part" | du -cm --files0-from=- 2>/dev/null | tail -n 1 | cut -f 1)
  [ "${downloaded:-0}" -gt 0 ] || blame "$part" "listing what was downloaded" "$log"
  mkdir -p "$new"
  grep -vE "/${NOT_UNPACKED#^}[^/]*$" "$WORK/debs-$part" | tr '\n' '\0' |
    xargs -0 -n 1 -P "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" sh -c 'dpkg-deb -x "$2" "$1"' unpack "$new" >>"$log" 2>&1 || blame "$part" "unpacking" "$log"
  rm -rf "$new"/usr/share/{doc,man,locale,lintian,bug}
}

keep_root() { rm -rf "$CACHE/roots/$1" && mv "$WORK/root-$1" "$CACHE/roots/$1"; }

# ------------------------------------------------------------------------------------- wrappers: what the service runs

quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }
wrapper() {    # wrapper NAME TARGET BODY
  { printf '#!/bin/sh\n# runs %s\n# Written by setup/install.sh of apel.\n%s\n' "$2" "$3"; } >"$CACHE/bin/.$1.$$" &&
    chmod 755 "$CACHE/bin/.$1.$$" && mv "$CACHE/bin/.$1.$$" "$CACHE/bin/$1" || fail "cannot write $CACHE/bin/$1."
}
# A root's program under its own loader and C library. Every folder with a shared library in it is on the path: some
# (libpulse's) lie a level deeper and are found through a run path that an unpacked root does not have.
root_wrapper() {    # root_wrapper PART NAME PATH-IN-ROOT [ENVIRONMENT]
  local root="$CACHE/roots/$1" loader libraries
  for loader in "$root"/{usr/lib,lib}/"$TRIPLET/$LOADER" ''; do [ -e "$loader" ] && break; done
  [ -n "$loader" ] && [ -e "$root/$3" ] || fail "$(title "$1"): the packages hold no $3 or no loader; see $CACHE/logs/$1.log. $(elsewhere "$1")"
  libraries=$(find "$root/lib" "$root/usr/lib" -maxdepth 3 -name 'lib*.so*' -not -path '*/gconv/*' -printf '%h\n' 2>/dev/null | awk '!seen[$0]++ { print length($0), $0 }' | sort -n | cut -d ' ' -f 2- | paste -sd :)
  wrapper "$2" "$root/$3" "${4:-}exec $(quoted "$loader") --library-path $(quoted "$libraries") $(quoted "$root/$3") \"\$@\""
}
host_wrapper() { wrapper "$1" "$2" "exec $(quoted "$2") \"\$@\""; }

stamp() {      # stamp PART FACT…
  local part=$1
  shift
  { printf 'layout=%s\n' "$LAYOUT" && printf '%s\n' "$@"; } >"$CACHE/stamps/.$part.$$" && mv "$CACHE/stamps/.$part.$$" "$CACHE/stamps/$part" ||
    fail "cannot write $CACHE/stamps/$part."
}

# ------------------------------------------------------------------------------------------- each part: made and tried

make_root() {
  case $1 in
    asterisk)
      fetch_root asterisk sid asterisk asterisk-modules asterisk-config asterisk-core-sounds-en asterisk-core-sounds-en-gsm
      # Done by the package's post-install script, which does not run here.
      ln -sfn en_US_f_Allison "$WORK/root-asterisk/usr/share/asterisk/sounds/en"
      keep_root asterisk
      root_wrapper asterisk asterisk usr/sbin/asterisk ;;
    redis)
      fetch_root redis bookworm redis-server redis-tools
      keep_root redis
      root_wrapper redis redis-server usr/bin/redis-server
      root_wrapper redis redis-cli usr/bin/redis-cli ;;
    speech)
      fetch_root speech bookworm espeak-ng sox
      keep_root speech
      root_wrapper speech espeak-ng usr/bin/espeak-ng "ESPEAK_DATA_PATH=$(quoted "$CACHE/roots/speech/usr/lib/$TRIPLET/espeak-ng-data") "
      root_wrapper speech sox usr/bin/sox ;;
    sipp)
      fetch_root sipp bookworm sip-tester tcpdump
      keep_root sipp
      root_wrapper sipp sipp usr/bin/sipp
      root_wrapper sipp tcpdump usr/bin/tcpdump ;;
  esac
}

use_host() {
  local program found
  for program in $(programs_of "$1"); do
    found=$(on_host "$program") && [ -n "$found" ] && host_wrapper "$program" "$found"
  done
  # Only tests look into packets: a host's sipp without tcpdump is enough.
  [ "$1" != sipp ] || [ -x "$CACHE/bin/tcpdump" ] || wrapper tcpdump /bin/sh 'echo "tcpdump is not on this host: install it, or run APEL_OWN=1 setup/install.sh sipp" >&2; exit 127'
}

# Sets `version` by running the program; the part is good when this returns 0.
tried() {
  local log="$CACHE/logs/$1.log"
  case $1 in
    asterisk)
      version=$("$CACHE/bin/asterisk" -V 2>>"$log" | version_in) ;;
    redis)
      version=$("$CACHE/bin/redis-server" --version 2>>"$log" | version_in) && "$CACHE/bin/redis-cli" --version >>"$log" 2>&1 ;;
    speech)
      version=$("$CACHE/bin/espeak-ng" --version 2>>"$log" | version_in) &&
        "$CACHE/bin/espeak-ng" -v en -w "$WORK/said.wav" "One, two, three." >>"$log" 2>&1 &&
        "$CACHE/bin/espeak-ng" -v ro -w "$WORK/zis.wav" "Bună ziua." >>"$log" 2>&1 &&
        "$CACHE/bin/sox" "$WORK/said.wav" -r 8000 -c 1 -t raw -e u-law "$WORK/said.ulaw" >>"$log" 2>&1 &&
        [ "$(stat -c %s "$WORK/said.ulaw")" -gt 4000 ] ;;
    sipp)
      version=$(sipp_says "$CACHE/bin/sipp" 2>>"$log" | version_in) ;;
  esac && [ -n "$version" ]
}

for part in $missing; do
  stamped "$part" && continue        # made by the run that we waited for
  rm -f "$CACHE/stamps/$part"
  started=$SECONDS
  downloaded=0 modules= data= version=
  if host_serves "$part"; then
    use_host "$part"
    source=host
  else
    prepare_apt
    make_root "$part"
    source=own
    if [ "$part" = asterisk ]; then
      modules="$CACHE/roots/asterisk/usr/lib/$TRIPLET/asterisk/modules" data="$CACHE/roots/asterisk/usr/share/asterisk"
    fi
  fi
  tried "$part" || fail "$(title "$part") is in place but does not run; what it said is in $CACHE/logs/$part.log. $(elsewhere "$part")"
  [ "$part" != asterisk ] || at_least "$version" 20 || fail "Asterisk $version is too old, 20 or later is needed. $(elsewhere asterisk)"
  stamp "$part" "source=$source" "version=$version" ${modules:+"modules=$modules"} ${data:+"data=$data"}
  if [ "$source" = host ]; then
    say "$(title "$part") $version: the host's own"
  else
    say "$(title "$part") $version: downloaded $downloaded MB, unpacked, $((SECONDS - started)) s"
  fi
done

say "Ready: $CACHE"
