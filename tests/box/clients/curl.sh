#!/bin/bash
# curl against every kind of origin. Sections `== NAME`, each followed by what must be the same by every way.
cd "$(mktemp -d)" || exit 1
head -c 3000000 /dev/zero | tr '\0' 'u' >upload
common=(--silent --show-error --suppress-connect-headers --max-time 30)

section() { echo "== $1"; }
# Head (sorted, without what belongs to one hop; the case of names means nothing) and body.
get() {
  section "$1"; shift
  curl "${common[@]}" -D head -o body -w '%{http_version} %{http_code} %{num_redirects}\n' "$@" || echo "curl gave $?"
  tr -d '\r' <head | sed -E 's/^[A-Za-z0-9-]+:/\L&/' | grep -vE '^(connection|keep-alive|transfer-encoding):' | sort
  case " $* " in *' -I '*) rm -f body ;; esac  # curl has written the head there again
  if [ "$(stat -c %s body 2>/dev/null || echo 0)" -gt 5000 ]; then sha256sum <body; else cat body 2>/dev/null; echo; fi
  rm -f head body
}

for name in h1 h2 api old; do
  origin=https://$name.matrix.test
  get "curl GET $name" "$origin/echo?a=1&b=%20x"
  get "curl odd but legal target $name" --path-as-is "$origin/echo?q=a/../b&r=%2F%00&s[]='"
  get "curl POST $name" -d 'some=form&data=1' "$origin/echo"
  get "curl PUT with 100-continue $name" -T upload -H 'Expect: 100-continue' "$origin/echo"
  get "curl --compressed $name" --compressed "$origin/gzip"
  get "curl gzip as it is $name" "$origin/gzip"
  get "curl trailers $name" "$origin/trailers"
  get "curl chunked $name" "$origin/chunked"
  get "curl events $name" -N "$origin/events?n=4"
  get "curl HEAD $name" -I "$origin/big?bytes=123456"
  get "curl 204 $name" "$origin/status/204"
  get "curl 304 $name" "$origin/status/304"
  get "curl 401 $name" "$origin/status/401"
  get "curl 103 $name" "$origin/hints"
  get "curl redirect $name" -L "$origin/redirect"
  get "curl two cookies $name" "$origin/cookies"
  get "curl 16 MB down $name" "$origin/big?bytes=16000000"
  section "curl keep-alive $name"
  curl "${common[@]}" -w '%{num_connects}\n' "$origin/chunked" "$origin/chunked" "$origin/chunked"
done
get "curl chunked upload h1" -T - https://h1.matrix.test/echo <upload
get "curl --http1.1 where both are spoken" --http1.1 https://api.matrix.test/echo
get "curl plain http GET" http://plain.matrix.test/echo
get "curl plain http POST" -d body http://plain.matrix.test/echo
get "curl plain http chunked" http://plain.matrix.test/chunked
section 'curl ten at once'
curl "${common[@]}" --parallel --parallel-max 10 -Z \
  $(for n in 1 2 3 4 5 6 7 8 9 10; do echo "-o p$n https://api.matrix.test/big?bytes=${n}00001"; done)
sha256sum p? p10

section 'wget GET'
wget -q -O - --header 'X-Own: 1' https://h1.matrix.test/echo; echo
section 'wget POST'
wget -q -O - --post-data 'a=b' https://api.matrix.test/echo; echo
section 'wget redirect'
wget -q -O - https://h1.matrix.test/redirect; echo
section 'wget large'
wget -q -O - 'https://h1.matrix.test/big?bytes=3000000' | sha256sum
section 'wget plain http'
wget -q -O - http://plain.matrix.test/echo; echo
echo '== end'
