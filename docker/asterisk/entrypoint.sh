#!/bin/sh
# Puts the password of ARI, which comes from the environment or from a file, where Asterisk reads it; then becomes Asterisk.
set -eu
if [ -n "${ARI_PASSWORD_FILE:-}" ]; then
  ARI_PASSWORD=$(cat "$ARI_PASSWORD_FILE")
fi
if [ -z "${ARI_PASSWORD:-}" ]; then
  echo "ARI_PASSWORD is not set. Put a long random text for it into docker/.env (openssl rand -hex 24 makes one); the service uses the same." >&2
  exit 1
fi
case $ARI_PASSWORD in
  *[!A-Za-z0-9_.~-]*)
    echo "ARI_PASSWORD may hold letters, digits and _ . ~ - only: anything else has a meaning of its own in Asterisk's files or in addresses." >&2
    exit 1 ;;
esac
umask 077
cat > /etc/asterisk/ari.conf <<END
[general]
enabled = yes
pretty = no
websocket_write_timeout = 1000

[apel]
type = user
read_only = no
password = $ARI_PASSWORD
password_format = plain
END
unset ARI_PASSWORD
sed -i "s/^rtpstart = .*/rtpstart = ${RTP_FROM:-10000}/; s/^rtpend = .*/rtpend = ${RTP_TO:-10199}/" /etc/asterisk/rtp.conf
if [ -n "${EXTERNAL_ADDRESS:-}" ]; then
  cat > /etc/asterisk/pjsip-external.conf <<END
external_signaling_address = $EXTERNAL_ADDRESS
external_media_address = $EXTERNAL_ADDRESS
local_net = 127.0.0.0/8
END
else
  : > /etc/asterisk/pjsip-external.conf
fi
exec "$@"
