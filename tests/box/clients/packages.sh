#!/bin/bash
# npm install and pip install from stand-in registries, and psql through tcp://, in a fresh directory each.
export npm_config_registry=https://npm.matrix.test/npm/ npm_config_update_notifier=false npm_config_audit=false \
  npm_config_fund=false npm_config_cache=$PWD/npm-cache-$1 PIP_INDEX_URL=https://pypi.matrix.test/simple/ \
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
cd "$(mktemp -d)" || exit 1
echo '== npm install'
echo '{"name": "app", "version": "1.0.0"}' >package.json
npm install --loglevel=error dep 2>&1 | sed 's/ in [0-9.]*m*s$//'
node -p 'require("dep")(21)'; sha256sum package-lock.json
echo '== pip install'
python3 -m venv venv && venv/bin/pip install -q redoubtful-demo 2>&1
venv/bin/python -c 'import redoubtful_demo; print(redoubtful_demo.ANSWER)'
echo '== psql'
psql -X -At -h db.matrix.test -U tester postgres -c 'select 6 * 7' -c "select md5(string_agg(n::text, ',')) from generate_series(1, 300000) n" 2>&1
echo '== psql large'
psql -X -At -h db.matrix.test -U tester postgres -c "select repeat('x', 1000) from generate_series(1, 3000)" 2>&1 | sha256sum
echo '== end'
