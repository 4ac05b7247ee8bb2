#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The series in kernel/ and its commits: reading, writing, checking.

kernel/patches/series names the patches in order.  A patch is a mail header
(From, Date, Subject), the message with its trailers, one "Adds: path" trailer
for each file that it brings, and a diff that edits existing files only.  What
the new files hold is in kernel/tree, and, for what is both documentation of
ours and of the kernel, in docs/.

Everything is done on git objects, so that the working tree is touched once,
at the end, and only where it differs.  The commits depend on nothing but the
files of this repository: the same series gives the same commit ids anywhere.
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATCHES = os.path.join(ROOT, "kernel/patches")
TREE = os.path.join(ROOT, "kernel/tree")
LINUX = os.environ.get("HUGEPOOL_LINUX", os.path.join(ROOT, "build/linux"))

DOCS_SUBJECT = "Documentation: mm: describe hugepool"
ADMIN = "Documentation/admin-guide/mm/"
DESIGN = "Documentation/mm/"
# What of docs/ belongs in the kernel.
DOCS = {
    "usage.rst": ADMIN + "hugepool/usage.rst",
    "abi.rst": ADMIN + "hugepool/abi.rst",
    "design.rst": DESIGN + "hugepool/design.rst",
    "sysfs-kernel-mm-hugepool": "Documentation/ABI/testing/sysfs-kernel-mm-hugepool",
}
# Where the kernel's own tables of contents take us in: after which line.
TOCS = {
    ADMIN + "index.rst": "   hugetlbpage",
    DESIGN + "index.rst": "   hugetlbfs_reserv",
}


class SeriesError(Exception):
    """What the user has to hear; anything else is a bug of ours."""


def git(*args, data=None, index=None, env=None, check=True):
    """Run git in the kernel tree; bytes of its standard output."""
    environ = dict(os.environ, **(env or {}))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environ.pop(name, None)
    if index:
        environ["GIT_INDEX_FILE"] = index
    run = subprocess.run(["git", "-C", LINUX, *args], input=data, env=environ,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if check and run.returncode:
        raise SeriesError("git %s: %s" % (" ".join(args[:3]),
                                          run.stderr.decode(errors="replace").strip()))
    return run.stdout if check else run


def text(*args, **kw):
    return git(*args, **kw).decode().rstrip("\n")


def lines(*args, **kw):
    out = text(*args, **kw)
    return out.split("\n") if out else []


class Entry:
    """One patch of the series."""

    def __init__(self, name, author, date, message, adds, diff):
        self.name = name
        self.author = author        # "Name <mail>"
        self.date = date
        self.message = message      # subject, blank line, body; no Adds
        self.adds = adds
        self.diff = diff            # bytes, may be empty

    @property
    def subject(self):
        return self.message.split("\n", 1)[0]

    @classmethod
    def parse(cls, name, raw):
        head, _, rest = raw.partition(b"\n\n")
        header = {}
        for line in head.decode().split("\n"):
            key, sep, value = line.partition(": ")
            if not sep:
                raise SeriesError("%s: not a header line: %s" % (name, line))
            header[key] = value
        for key in ("From", "Date", "Subject"):
            if key not in header:
                raise SeriesError("%s: no %s: in the header" % (name, key))
        if not re.fullmatch(r"[^<>]+ <[^<>\s]+>", header["From"]):
            raise SeriesError("%s: From: is not Name <mail>" % name)
        body, _, diff = ("\n" + rest.decode()).partition("\n---\n")
        start = diff.find("diff --git ")
        diff = diff[start:] if start >= 0 else ""
        keep, adds = [], []
        for line in body.strip("\n").split("\n"):
            if line.startswith("Adds: "):
                adds.append(line[6:].strip())
            else:
                keep.append(line)
        message = header["Subject"] + "\n\n" + "\n".join(keep).strip("\n") + "\n"
        return cls(name, header["From"], header["Date"], message, adds, diff.encode())

    def render(self, stat):
        subject, _, body = self.message.partition("\n")
        paragraphs = body.strip("\n").split("\n\n")
        if self.adds:
            adds = "\n".join("Adds: " + a for a in self.adds)
            if re.match(r"[A-Z][A-Za-z-]+: ", paragraphs[-1]):
                paragraphs[-1] = adds + "\n" + paragraphs[-1]
            else:
                paragraphs.append(adds)
        out = "From: %s\nDate: %s\nSubject: %s\n\n%s\n---\n" % (
            self.author, self.date, subject, "\n\n".join(paragraphs))
        out = out.encode()
        if self.diff:
            out += stat + b"\n" + self.diff
        return out


def read_series():
    path = os.path.join(PATCHES, "series")
    if not os.path.exists(path):
        return []
    entries = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            name = line.strip()
            if not name or name.startswith("#"):
                continue
            try:
                with open(os.path.join(PATCHES, name), "rb") as p:
                    entries.append(Entry.parse(name, p.read()))
            except FileNotFoundError:
                raise SeriesError("series names %s, which is not there" % name) from None
    return entries


def tree_source(path):
    """Where in this repository the new kernel file PATH is."""
    return os.path.join(TREE, path)


def tree_files():
    """The in-tree paths of all new files that this repository has."""
    found = []
    for folder, _, names in os.walk(TREE):
        found += [os.path.relpath(os.path.join(folder, name), TREE) for name in names]
    return sorted(found)


def docs_files():
    """Pairs of source and in-tree path, for those that exist."""
    pairs = [(os.path.join(ROOT, "docs", src), dst) for src, dst in DOCS.items()]
    return [(src, dst) for src, dst in pairs if os.path.exists(src)]


def docs_paths():
    """Every path that the documentation commit touches, existing ones too."""
    paths = [dst for _, dst in docs_files()]
    for toc in TOCS:
        if any(p.startswith(os.path.dirname(toc) + "/hugepool/") for p in paths):
            paths += [toc, os.path.dirname(toc) + "/hugepool/index.rst"]
    return set(paths)


def digest(paths):
    h = hashlib.sha256()
    for path in sorted(paths):
        with open(path, "rb") as f:
            data = f.read()
        mode = os.access(path, os.X_OK)
        h.update(("%s %d %d\n" % (os.path.relpath(path, ROOT), mode, len(data))).encode())
        h.update(data)
    return h.hexdigest()


def code_digest():
    """Changes when anything does that the commits before the docs are made of."""
    paths = [tree_source(p) for p in tree_files()]
    if os.path.isdir(PATCHES):
        paths += [os.path.join(PATCHES, p) for p in os.listdir(PATCHES)]
    return digest(paths + [os.path.abspath(__file__)])


def docs_digest():
    return digest([src for src, _ in docs_files()])


def drop_missing_objects(path, content, present):
    """
    A Makefile has its final content from its first commit on, and names what
    later commits bring.  Drop from it the objects whose source is not there
    yet, so that every step builds.
    """
    folder = os.path.dirname(path)
    joined = content.decode()
    composite = set(re.findall(r"^([\w-]+)-(?:y|objs|\$\([A-Z0-9_]+\))\s*[:+]?=", joined, re.M))

    def there(word):
        if word.endswith("/"):
            return any(p.startswith(os.path.join(folder, word)) for p in present)
        if not word.endswith(".o") or word[:-2] in composite:
            return True
        stem = os.path.join(folder, word[:-2])
        return stem + ".c" in present or stem + ".S" in present

    out = []
    for line in joined.split("\n"):
        m = re.match(r"((?:obj|[\w-]+)-(?:y|m|objs|\$\([A-Z0-9_]+\))\s*[:+]?=)(.*)$", line)
        if m and not m.group(2).rstrip().endswith("\\"):
            words = m.group(2).split()
            kept = [w for w in words if there(w)]
            if not kept and words:
                continue
            if kept != words:
                line = m.group(1) + " " + " ".join(kept)
        out.append(line)
    return "\n".join(out).encode()


class Builder:
    """Makes the commits of the series in a private index."""

    def __init__(self):
        self.tmp = tempfile.TemporaryDirectory(prefix="hugepool-series.")
        self.index = os.path.join(self.tmp.name, "index")
        self.base = text("rev-parse", "base^{commit}")
        self.head = self.base
        self.present = {}           # path -> (mode, source file), new files so far
        self.base_paths = set(lines("ls-tree", "-r", "--name-only", "base"))
        self.last = None
        git("read-tree", "base", index=self.index)

    def put(self, path, content, mode="100644"):
        blob = text("hash-object", "-w", "--stdin", data=content)
        git("update-index", "--add", "--cacheinfo", "%s,%s,%s" % (mode, blob, path),
            index=self.index)

    def commit(self, message, author, date):
        name, mail = re.fullmatch(r"(.+) <(.+)>", author).groups()
        env = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": date,
               "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": mail,
               "GIT_COMMITTER_DATE": date}
        tree = text("write-tree", index=self.index)
        self.head = text("commit-tree", tree, "-p", self.head,
                         data=message.encode(), env=env)
        self.last = (author, date)
        return self.head

    def entry(self, entry):
        if entry.diff:
            touched = re.findall(rb"^diff --git a/(\S+) b/", entry.diff, re.M)
            for path in touched:
                if path.decode() not in self.base_paths:
                    raise SeriesError("%s: edits %s, which is not a file of the base kernel"
                                      % (entry.name, path.decode()))
            run = git("apply", "--cached", "--whitespace=nowarn", data=entry.diff,
                      index=self.index, check=False)
            if run.returncode:
                raise SeriesError("%s does not apply:\n%s"
                                  % (entry.name, run.stderr.decode(errors="replace")))
        for path in entry.adds:
            source = tree_source(path)
            if path in self.base_paths:
                raise SeriesError("%s: adds %s, which the base kernel has" % (entry.name, path))
            if path in self.present:
                raise SeriesError("%s: adds %s a second time" % (entry.name, path))
            if not os.path.exists(source):
                raise SeriesError("%s: adds %s, but %s is not there"
                                  % (entry.name, path, os.path.relpath(source, ROOT)))
            self.present[path] = source
        for path in self.present:
            makefile = os.path.basename(path) in ("Makefile", "Kbuild")
            if path not in entry.adds and not (makefile and entry.adds):
                continue
            with open(self.present[path], "rb") as f:
                content = f.read()
            if makefile:
                content = drop_missing_objects(path, content, self.present)
            mode = "100755" if os.access(self.present[path], os.X_OK) else "100644"
            self.put(path, content, mode)
        return self.commit(entry.message, entry.author, entry.date)

    def docs(self):
        """The documentation, as the last commit.  None if there is nothing to add."""
        pairs = docs_files()
        if not pairs or not self.last:
            return None
        for source, path in pairs:
            with open(source, "rb") as f:
                self.put(path, f.read())
        for toc, after in TOCS.items():
            folder = os.path.dirname(toc) + "/hugepool/"
            names = [p[len(folder):-4] for _, p in pairs if p.startswith(folder)]
            if not names:
                continue
            old = text("show", ":" + toc, index=self.index).split("\n")
            if after not in old:
                raise SeriesError("%s has no line '%s' to put ours after" % (toc, after))
            old.insert(old.index(after) + 1, "   hugepool/index")
            self.put(toc, ("\n".join(old) + "\n").encode())
            index = [".. SPDX-License-Identifier: GPL-2.0", "", "=" * 8, "Hugepool", "=" * 8, "",
                     ".. toctree::", "   :maxdepth: 1", ""] + ["   " + n for n in names]
            self.put(folder + "index.rst", ("\n".join(index) + "\n").encode())
        author, date = self.last
        message = DOCS_SUBJECT + "\n\n" + (
            "How to use the pool, its files and options, and how it is made inside.\n\n"
            "Signed-off-by: %s\n" % author)
        return self.commit(message, author, date)


def build(entries=None, with_docs=True):
    """All commits of the series: list of (entry or None for docs, commit)."""
    builder = Builder()
    made = []
    for entry in read_series() if entries is None else entries:
        made.append((entry, builder.entry(entry)))
    if with_docs:
        commit = builder.docs()
        if commit:
            made.append((None, commit))
    return made


def unlisted(entries):
    """New files of this repository that no patch adds."""
    listed = {path for e in entries for path in e.adds}
    return [p for p in tree_files() if p not in listed]


def main_guard(function):
    try:
        sys.exit(function())
    except SeriesError as err:
        print("%s: %s" % (os.path.basename(sys.argv[0]), err), file=sys.stderr)
        sys.exit(1)
