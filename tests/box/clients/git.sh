#!/bin/bash
# git clone and push over https, with an origin that speaks both, HTTP/1.1 and HTTP/2 alone, and over ssh. $1 tells the runs
# apart.
export GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.test GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@example.test
export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_TERMINAL_PROMPT=0
export GIT_SSH_COMMAND=$MATRIX_SSH
branch=$1
cd "$(mktemp -d)" || exit 1
for name in git h1 h2 ssh; do
  url=https://$name.matrix.test/git/repo.git
  [ $name != ssh ] || url=ssh://$MATRIX_USER@ssh.matrix.test/repo.git
  echo "== git clone $name"
  git clone -q "$url" "$name" && git -C "$name" log --format='%H %s' && sha256sum "$name"/file*
  cd "$name" || exit 1
  echo "== git push $name"
  git checkout -q -b "$branch-$name" && head -c 2000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >new &&
    git add new && git commit -q -m pushed && git push -q origin HEAD && git rev-parse HEAD
  echo "== git ls-remote $name"
  git ls-remote origin "$branch-$name" | cut -f 1
  cd ..
done
echo '== end'
