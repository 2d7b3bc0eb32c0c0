# Looks whether every link of every page leads somewhere. It takes its time, as such checks do.
for page in *.md notes/*.md; do
  sleep 4
  for target in $(sed -n 's/.*(\(notes\/[^)]*\)).*/\1/p' "$page"); do
    [ -e "$target" ] && echo "$page: $target is there" || echo "$page: $target is missing"
  done
done
echo "checked $(date +%Y)" > .checked
