#!/bin/bash
# npm install and pip install from stand-in registries, each that speaks HTTP/1.1 and each that speaks HTTP/2, and psql
# through tcp://.
export npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false npm_config_cache=$PWD/npm-cache-$1 \
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
for name in npm h1 h2; do
  cd "$(mktemp -d)" || exit 1
  echo "== npm install $name"
  echo '{"name": "app", "version": "1.0.0"}' >package.json
  npm install --registry=https://$name.matrix.test/npm/ --loglevel=error dep 2>&1 | sed 's/ in [0-9.]*m*s$//'
  node -p 'require("dep")(21)'; sha256sum package-lock.json
done
for name in pypi api; do
  echo "== pip install $name"
  python3 -m venv --clear venv && venv/bin/pip install -q --index-url https://$name.matrix.test/simple/ redoubtful-demo 2>&1
  venv/bin/python -c 'import redoubtful_demo; print(redoubtful_demo.ANSWER)'
done
echo '== psql'
psql -X -At -h db.matrix.test -U tester postgres -c 'select 6 * 7' -c "select md5(string_agg(n::text, ',')) from generate_series(1, 300000) n" 2>&1
echo '== psql large'
psql -X -At -h db.matrix.test -U tester postgres -c "select repeat('x', 1000) from generate_series(1, 3000)" 2>&1 | sha256sum
echo '== end'
