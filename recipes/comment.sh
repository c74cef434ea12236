#!/bin/sh
# Posts a Markdown file as one comment of a pull request, or updates the one that is there.
#
#   comment.sh FILE MARK
#
# MARK names the comment (diff, plan): each name has one comment. What it needs comes from the
# environment, with a token in COMMENT_TOKEN that may write comments and nothing else:
#   GitHub, Forgejo   GITHUB_API_URL  GITHUB_REPOSITORY  PULL_REQUEST
#   GitLab            CI_API_V4_URL   CI_PROJECT_ID      CI_MERGE_REQUEST_IID
# Needs curl and jq. The token is given to curl by standard input: other users see arguments.
set -eu

file=$1
mark="<!-- skerry:$2 -->"
: "${COMMENT_TOKEN:?a token that may write comments}"

if [ -n "${CI_MERGE_REQUEST_IID:-}" ]; then
  comments=$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes
  each=$comments
  header="PRIVATE-TOKEN: $COMMENT_TOKEN"
  update=PUT
else
  comments=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues/${PULL_REQUEST:?its number}/comments
  each=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues/comments
  header="Authorization: token $COMMENT_TOKEN"
  update=PATCH
fi

# call METHOD URL: JSON on standard input becomes the body.
call() {
  body=$(mktemp)
  cat >"$body"
  printf 'header = "%s"\n' "$header" |
    curl --silent --show-error --fail-with-body --retry 3 --config - \
      --request "$1" --header 'Content-Type: application/json' \
      --data-binary "@$body" "$2" || { status=$?; rm -f "$body"; return $status; }
  rm -f "$body"
}

# Our comment is the first one that begins with the mark, whatever page it is on.
found=
page=1
while [ "$page" -le 50 ]; do
  list=$(printf 'header = "%s"\n' "$header" |
    curl --silent --show-error --fail-with-body --retry 3 --config - \
      "$comments?per_page=100&limit=100&page=$page")
  found=$(printf '%s' "$list" | jq -r --arg mark "$mark" \
    '[.[] | select(.body | startswith($mark))][0].id // empty')
  [ -z "$found" ] || break
  [ "$(printf '%s' "$list" | jq length)" -ge 50 ] || break
  page=$((page + 1))
done

json=$(mktemp)
trap 'rm -f "$json"' EXIT
jq --null-input --rawfile text "$file" --arg mark "$mark" '{body: ($mark + "\n" + $text)}' >"$json"
if [ -n "$found" ]; then
  call "$update" "$each/$found" <"$json" >/dev/null
else
  call POST "$comments" <"$json" >/dev/null
fi
