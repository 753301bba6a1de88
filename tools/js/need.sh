#!/bin/sh
# need.sh PACKAGE PROGRAM...: see that one of the programs is there, or install Debian's package.
package=$1
shift
for program; do
  command -v "$program" >/dev/null && exit 0
done
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "installing $package"
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package" >/dev/null && exit 0
fi
echo "The explorer's page is checked with $package, which is not installed. Install it: apt-get" \
  "install $package, as root, or as your system does." >&2
exit 1
