#!/bin/bash
# git clone, fetch and push over https and ssh, in the current directory. $1 tells the runs apart.
export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.test GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@example.test
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_TERMINAL_PROMPT=0
export GIT_SSH_COMMAND=$MATRIX_SSH
branch=$1
cd "$(mktemp -d)" || exit 1
for url in https://git.matrix.test/git/repo.git "ssh://$MATRIX_USER@ssh.matrix.test/repo.git"; do
  kind=${url%%:*}
  echo "== git clone over $kind"
  git clone -q "$url" "$kind" && git -C "$kind" log --format='%H %s' && sha256sum "$kind"/file*
  cd "$kind" || exit 1
  echo "== git push over $kind"
  git checkout -q -b "$branch-$kind" && head -c 2000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >new &&
    git add new && git commit -q -m pushed && git push -q origin HEAD && git rev-parse HEAD
  echo "== git ls-remote over $kind"
  git ls-remote origin "$branch-$kind" | cut -f 1
  cd ..
done
echo '== end'
