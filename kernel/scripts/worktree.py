#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The prepared tree: bringing the series into it and back out of it.

  worktree.py prepare           make build/linux what kernel/ and docs/ say
  worktree.py refresh [--fold]  make kernel/ what build/linux says
  worktree.py hold              exit 1 if build/linux has work of its own

Nobody's work is ever overwritten: what cannot be brought together is refused,
and FORCE=1, which throws the work in build/linux away, first keeps it under a
reference of the name saved/<time>.
"""
import json
import os
import re
import shutil
import sys
import time

import series
from series import SeriesError, git, lines, text

STATE = os.path.join(series.LINUX, ".git/hugepool-prepared")


def load_state():
    try:
        with open(STATE, encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def save_state(head):
    with open(STATE, "w", encoding="utf-8") as f:
        json.dump({"code": series.code_digest(), "docs": series.docs_digest(), "head": head}, f)


def dirty_files():
    """Pairs of status and path of everything that no commit has."""
    git("update-index", "-q", "--refresh", check=False)
    return [(line[:2], line[3:]) for line in
            git("status", "--porcelain", "--no-renames").decode().split("\n") if line]


def names(paths, most=8):
    shown = "".join("\n  " + p for p in paths[:most])
    return shown + ("\n  ... and %d more" % (len(paths) - most) if len(paths) > most else "")


def save_work():
    """Keep HEAD and everything uncommitted under a reference."""
    ref = "refs/heads/saved/" + time.strftime("%Y%m%d-%H%M%S")
    index = os.path.join(series.LINUX, ".git/hugepool-save-index")
    shutil.copy(os.path.join(series.LINUX, ".git/index"), index)
    git("add", "-A", index=index)
    tree = text("write-tree", index=index)
    os.unlink(index)
    env = {"GIT_%s_%s" % (who, what): "hugepool" for who in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}
    commit = text("commit-tree", tree, "-p", "HEAD", data=b"saved by FORCE=1\n", env=env)
    git("update-ref", ref, commit)
    print("what was in build/linux is kept as", ref[len("refs/heads/"):])


def move_to(commit, force=False):
    """Switch the working tree to COMMIT, touching only what differs."""
    git("update-index", "-q", "--refresh", check=False)
    if force:
        git("read-tree", "--reset", "-u", commit)
    else:
        run = git("read-tree", "-m", "-u", "--exclude-per-directory=.gitignore", "HEAD", commit,
                  check=False)
        if run.returncode:
            raise SeriesError("kernel/ changed what has uncommitted edits in build/linux:\n%s"
                              "commit or undo these first (FORCE=1 sets them aside)"
                              % run.stderr.decode(errors="replace"))
    git("update-ref", "-m", "hugepool: prepare", "HEAD", commit)


def pick(commit, onto):
    """Cherry-pick COMMIT onto ONTO without a working tree."""
    parent = text("rev-parse", commit + "^")
    env = {}
    for who in ("AUTHOR", "COMMITTER"):
        for what, form in (("NAME", "n"), ("EMAIL", "e"), ("DATE", "D")):
            env["GIT_%s_%s" % (who, what)] = text(
                "log", "-1", "--format=%" + who[0].lower() + form, commit)
    # A child of PARENT with the content of ONTO makes PARENT the merge base.
    synthetic = text("commit-tree", onto + "^{tree}", "-p", parent, data=b"onto\n", env=env)
    run = git("merge-tree", "--write-tree", "--name-only", synthetic, commit, check=False)
    out = run.stdout.decode().split("\n")
    if run.returncode:
        files = [p for p in out[1:] if p]
        subject = text("log", "-1", "--format=%s", commit)
        raise SeriesError("'%s' in build/linux and what changed in kernel/ conflict:%s"
                          % (subject, names(files)))
    message = git("log", "-1", "--format=%B", commit)
    return text("commit-tree", out[0], "-p", onto, data=message, env=env)


def content_only(old, new, head):
    """
    History was rewritten in build/linux, and kernel/ changed as well.  That
    goes together if kernel/ changed nothing but the content of new files that
    build/linux left alone.  Returns the commit with both.
    """
    base_paths = set(lines("ls-tree", "-r", "--name-only", "base"))
    changed = lines("diff-tree", "-r", "--no-renames", "--name-only", old, new)
    clash = [p for p in changed if p in base_paths
             or not text("ls-tree", old, "--", p) or not text("ls-tree", new, "--", p)
             or text("ls-tree", old, "--", p) != text("ls-tree", head, "--", p)]
    if clash:
        raise SeriesError(
            "kernel/ changed, and the history of build/linux was rewritten since it was "
            "prepared; these cannot be brought together:%s\n"
            "(FORCE=1 sets the work in build/linux aside)" % names(clash))
    index = os.path.join(series.LINUX, ".git/hugepool-merge-index")
    git("read-tree", head, index=index)
    for path in changed:
        mode, _, blob, _ = re.split(r"[ \t]", text("ls-tree", new, "--", path), maxsplit=3)
        git("update-index", "--cacheinfo", "%s,%s,%s" % (mode, blob, path), index=index)
    tree = text("write-tree", index=index)
    os.unlink(index)
    return text("commit-tree", tree, "-p", head, data=b"changes made in kernel/tree\n")


def prepare(force=False):
    state = load_state()
    head = text("rev-parse", "HEAD")
    dirty = dirty_files()
    code, docs = series.code_digest(), series.docs_digest()
    if state is None:
        state = {"head": text("rev-parse", "base^{commit}"), "code": "", "docs": ""}
    own = head != state["head"]

    if state["code"] == code and state["docs"] == docs:
        if own or dirty:
            print("build/linux has work that kernel/ does not have yet; make refresh takes it over")
        return 0
    entries = series.read_series()
    for path in series.unlisted(entries):
        print("note: no patch adds %s, so it is left out" % path)
    made = series.build(entries)
    new = made[-1][1] if made else text("rev-parse", "base^{commit}")
    if force and (own or dirty):
        save_work()
        move_to(new, force=True)
    elif not own or head == new:
        move_to(new)
    elif not git("merge-base", "--is-ancestor", state["head"], head, check=False).returncode:
        target = new
        for commit in lines("rev-list", "--reverse", state["head"] + ".." + head):
            target = pick(commit, target)
        move_to(target)
        print("build/linux: its own commits put on top of what changed in kernel/")
    else:
        move_to(content_only(state["head"], new, head))
        new = text("rev-parse", "HEAD")
    save_state(new)
    print("build/linux: Linux %s and %d patches" % (version(), len(made)))
    return 0


def version():
    with open(os.path.join(series.LINUX, "Makefile"), encoding="utf-8") as f:
        found = dict(re.findall(r"^(VERSION|PATCHLEVEL|SUBLEVEL) = (\d+)$", f.read(), re.M))
    return "%(VERSION)s.%(PATCHLEVEL)s.%(SUBLEVEL)s" % found


def fold(dirty):
    """
    Put uncommitted edits where they belong: an existing file's into the last
    commit that edits it.  New files have their final content only, so theirs
    can go anywhere.
    """
    base_paths = set(lines("ls-tree", "-r", "--name-only", "base"))
    chain = lines("rev-list", "--reverse", "base..HEAD")
    where = {}
    for status, path in dirty:
        if status == "??":
            raise SeriesError("%s is new and in no commit: commit it with its patch" % path)
        touching = lines("rev-list", "base..HEAD", "--", path)
        if path in base_paths and not touching:
            raise SeriesError("no patch edits %s yet: commit it as a patch of its own, or "
                              "with --fixup of one and rebase" % path)
        where[path] = chain.index(touching[0]) if path in base_paths else len(chain) - 1
    index = os.path.join(series.LINUX, ".git/hugepool-fold-index")
    parent = text("rev-parse", "base^{commit}")
    for number, commit in enumerate(chain):
        git("read-tree", commit, index=index)
        for path, first in where.items():
            if number < first:
                continue
            full = os.path.join(series.LINUX, path)
            if not os.path.exists(full):
                git("update-index", "--force-remove", path, index=index)
                continue
            with open(full, "rb") as f:
                blob = text("hash-object", "-w", "--stdin", data=f.read())
            mode = "100755" if os.access(full, os.X_OK) else "100644"
            git("update-index", "--add", "--cacheinfo", "%s,%s,%s" % (mode, blob, path),
                index=index)
        env = {}
        for who in ("AUTHOR", "COMMITTER"):
            for what, form in (("NAME", "n"), ("EMAIL", "e"), ("DATE", "D")):
                env["GIT_%s_%s" % (who, what)] = text(
                    "log", "-1", "--format=%" + who[0].lower() + form, commit)
        parent = text("commit-tree", text("write-tree", index=index), "-p", parent,
                      data=git("log", "-1", "--format=%B", commit), env=env)
    os.unlink(index)
    git("read-tree", parent)
    git("update-ref", "-m", "hugepool: fold", "HEAD", parent)


def slug(subject):
    return re.sub(r"[^A-Za-z0-9]+", "-", subject).strip("-").lower()[:52].rstrip("-")


def entries_of(head):
    """The series that the commits base..HEAD are, and its rendered patches."""
    base_paths = set(lines("ls-tree", "-r", "--name-only", "base"))
    final = set(lines("ls-tree", "-r", "--name-only", head))
    docs = series.docs_paths()
    seen, out = set(), []
    old_names = {e.subject: e.name[5:] for e in series.read_series()}
    for commit in lines("rev-list", "--reverse", "base.." + head):
        if len(text("log", "-1", "--format=%P", commit).split()) != 1:
            raise SeriesError("build/linux has a merge commit; the series is a straight line")
        subject, _, body = git("log", "-1", "--format=%B", commit).decode().strip("\n").partition("\n")
        changed = lines("diff-tree", "-r", "--no-renames", "--name-only", commit + "^", commit)
        if subject == series.DOCS_SUBJECT:
            changed = [p for p in changed if p not in docs]
        if not changed:
            continue
        if re.match(r"(fixup|squash|amend)! ", subject):
            raise SeriesError("'%s': run git rebase -i --autosquash base in build/linux first"
                              % subject)
        adds = [p for p in changed if p not in base_paths and p in final and p not in seen]
        seen.update(adds)
        edits = [p for p in changed if p in base_paths]
        if not adds and not edits:
            print("note: '%s' only changes new files: their content is taken, its message is not"
                  % subject)
            continue
        body = "\n".join(l for l in body.strip("\n").split("\n") if not l.startswith("Adds: "))
        diff, stat = b"", b""
        if edits:
            options = ["--no-color", "--no-ext-diff", "--no-renames", "--abbrev=12",
                       "--diff-algorithm=histogram", commit + "^", commit, "--"] + edits
            diff = git("diff", "-U3", *options)
            stat = git("diff", "--stat=80", *options)
        name = "%04d-%s" % (len(out) + 1, old_names.get(subject, slug(subject) + ".patch"))
        entry = series.Entry(name, text("log", "-1", "--format=%an <%ae>", commit),
                             text("log", "-1", "--format=%aD", commit),
                             subject + "\n\n" + body.strip("\n") + "\n", sorted(adds), diff)
        out.append((entry, entry.render(stat)))
    return out


def write_if_changed(path, data, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try:
        with open(path, "rb") as f:
            same = f.read() == data
    except FileNotFoundError:
        same = False
    if not same:
        with open(path, "wb") as f:
            f.write(data)
        print("wrote", os.path.relpath(path, series.ROOT))
    if os.stat(path).st_mode & 0o777 != mode:
        os.chmod(path, mode)


def remove(path):
    os.unlink(path)
    print("removed", os.path.relpath(path, series.ROOT))


def check_docs(head):
    """The kernel's copies of docs/ are copies; an edit there would be lost."""
    for source, path in series.docs_files():
        entry = text("ls-tree", head, "--", path)
        if not entry:
            continue
        with open(source, "rb") as f:
            if git("cat-file", "blob", entry.split()[2]) != f.read():
                raise SeriesError("%s was edited in build/linux: edit %s, its source"
                                  % (path, os.path.relpath(source, series.ROOT)))


def refresh(with_fold):
    prepare()
    dirty = dirty_files()
    if dirty and with_fold:
        fold(dirty)
        dirty = dirty_files()
    if dirty:
        raise SeriesError("build/linux has uncommitted changes:%s\ncommit them, or let "
                          "make refresh FOLD=1 put them into the patches that they belong to"
                          % names(["%s %s" % d for d in dirty]))
    head = text("rev-parse", "HEAD")
    check_docs(head)
    gone = [p for e in series.read_series() for p in e.adds
            if not text("ls-tree", head, "--", p)]
    rendered = entries_of(head)
    for entry, patch in rendered:
        write_if_changed(os.path.join(series.PATCHES, entry.name), patch)
        for path in entry.adds:
            mode, _, blob = text("ls-tree", head, "--", path).split()[:3]
            write_if_changed(series.tree_source(path), git("cat-file", "blob", blob),
                             0o755 if mode == "100755" else 0o644)
    for path in gone:
        remove(series.tree_source(path))
    wanted = {entry.name for entry, _ in rendered} | {"series"}
    for name in sorted(os.listdir(series.PATCHES)) if os.path.isdir(series.PATCHES) else []:
        if name not in wanted:
            remove(os.path.join(series.PATCHES, name))
    listing = "# SPDX-License-Identifier: GPL-2.0\n" + "".join(e.name + "\n" for e, _ in rendered)
    write_if_changed(os.path.join(series.PATCHES, "series"), listing.encode())

    # From here on kernel/ is what HEAD says, whatever the check below finds.
    save_state(head)
    made = series.build()
    new = made[-1][1] if made else head
    ours = set(lines("diff-tree", "-r", "--no-renames", "--name-only", head, new))
    if ours - series.docs_paths():
        raise SeriesError("the patches written do not give back what is in build/linux:%s\n"
                          "this is a bug of refresh; build/linux is untouched"
                          % names(sorted(ours)))
    move_to(new)
    save_state(new)
    print("kernel/: %d patches, %d new files" % (
        len(rendered), sum(len(e.adds) for e, _ in rendered)))
    return 0


def hold():
    state = load_state()
    at = state["head"] if state else text("rev-parse", "base^{commit}")
    return 1 if dirty_files() or text("rev-parse", "HEAD") != at else 0


def main():
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb == "prepare":
        return prepare(os.environ.get("FORCE") == "1")
    if verb == "refresh":
        return refresh("--fold" in sys.argv[2:])
    if verb == "hold":
        return hold()
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    series.main_guard(main)
