#!/usr/bin/env python3
"""Seeds mistakes into the library and reports which of them the tests notice.

    tools/mutants.py --count 260 --seed 1 --jobs 2

A copy of the sources gets all mistakes (mutants) at once, each behind a number of its own, so that
one build serves them all: XTAPE_MUTANT=17 switches mutant 17 on while a program runs. Operators are
changed where they stand,

    a + b      a + mutant::Plus<17>() + b         the same precedence, and what `a` was is held
    -x         mutant::Minus<18>() ->* x          ->* binds tighter than any other binary operator
    a += b     a += mutant::PlusTo<19>() = b
    0.5        mutant::number<20>(0.5, 0.5 * 1.02)

which works for numbers, lanes, duals and tensors alike. What does not compile is dropped.
docs/mutants.md has the outcome."""

import argparse
import bisect
import concurrent.futures
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Tests that take long, and the files whose tests have another name.
SLOW = "*tests/autograd/chain*,*tests/tools/*"
TESTED_BY = {"functions": "math", "dual": "elementwise", "lane": "elementwise", "matrices": "products",
             "correlate": "convolution", "patches": "convolution", "pooled": "pooling",
             "lapack": "decompositions", "strided": "slicing", "adam": "optimizer",
             "adagrad": "optimizer", "sign": "optimizer", "update": "optimizer", "wolfe": "lbfgs",
             "cycles": "schedules", "combined": "schedules", "loss": "losses", "layer": "layers"}

# What is changed: a name, a share of the mutants, and the files. Data sets, tools and what observes
# (profiles, gradcheck, the pool) are left out: a mistake there makes no wrong gradient.
GROUPS = [
    ("rules", 0.25, r"autograd/(approximations|functions|rounding|trigonometry|special|dual)\.hpp"
                    r"|autograd/special\.cpp"),
    ("formulas", 0.2, r"ops/\w+\.hpp|nn/(?!digits|idx|synthetic|loader|classes)\w+\.hpp"
                      r"|autograd/lane\.hpp"),
    ("primitives", 0.25, r"ops/\w+\.cpp|autograd/(backward|sweep|tape|elementwise|forward|fold"
                         r"|functional|shape|leaf|operation)\.cpp"
                         r"|autograd/(sweep_plane|fold|formula|sweep)\.hpp"),
    ("layers", 0.15, r"nn/(?!digits|idx|synthetic|loader|classes)\w+\.cpp"),
    ("optimizers", 0.15, r"optim/\w+\.[ch]pp"),
]

# Each operator with what may stand in its place, named as in mutants.hpp.
SWAPS = {"+": [("Plus", "-")], "-": [("Difference", "+")], "*": [("Times", "/")],
         "/": [("Over", "*")], "%": [("Modulo", "/")], "==": [("Equal", "!=")],
         "!=": [("Unequal", "==")], "<": [("Less", "<="), ("Less2", ">")],
         "<=": [("LessEqual", "<"), ("LessEqual2", ">=")],
         ">": [("Greater", ">="), ("Greater2", "<")],
         ">=": [("GreaterEqual", ">"), ("GreaterEqual2", "<=")]}

BLANK = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                   r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:\\\n|[^\n])*", re.S | re.M)
# The house format puts spaces around binary operators and none inside template brackets.
TOKENS = re.compile(
    r"(?P<binary>(?<=[ \n])(?:[-+*/%]|[<>]=?|[=!]=)(?=[ \n]))"
    r"|(?P<assign>(?<= )[-+*/]=(?= ))"
    r"|(?P<minus>(?<=[ (\[{])-(?=[\w(*]))"
    r"|(?P<negation>(?<=[ (\[{])!(?=[\w(*]))"
    r"|(?P<number>(?<![\w.'])(?:0[xX][0-9a-fA-F.]+(?:[pP][-+]?\d+)?"
    r"|(?:\d[\d']*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[uUlLfF]*(?![\w.]))")
PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}


def blanked(text):
    """The text with comments, literals of text and directives overwritten, of the same length."""
    def blank(match):
        return re.sub(r"[^\n]", "~" if match[0][0] in "\"'R" else " ", match[0])
    return BLANK.sub(blank, text)


def closing(code, at):
    """The place behind the bracket that closes the one at `at`."""
    depth, left = 0, code[at]
    for i in range(at, len(code)):
        depth += (code[i] == left) - (code[i] == PAIRS[left])
        if depth == 0:
            return i + 1
    return len(code)


def statement_end(code, at):
    """The place behind the `;`, or the block, that ends what begins at `at`."""
    while at < len(code) and code[at] != ";":
        opened = code[at]
        at = closing(code, at) if opened in "([{" else at + 1
        if opened == "{":
            return at
    return at + 1


def excluded(code):
    """Stretches without mutants: what the compiler must know, the texts and limits of errors,
    records, which only say what tests and tables do with an operation, and performance hints."""
    out = []
    for pattern in [r"(\bstatic_assert|\bif constexpr|\brequires|\bdecltype|\bsizeof(\.\.\.)?"
                    r"|\bnoexcept|\balignas|\braise<\w+>|\breserve) ?\(",
                    r"[\w\]](?<!operator)<(?![ <=])", r"\btemplate <", r"\brequires[^({;]*\{",
                    r"\{(?=\s*\.name\b)"]:
        out += [(m.start(), closing(code, m.end() - 1)) for m in re.finditer(pattern, code)]
    # the last item of Parameter{"name", default, other} is for generated tests
    for match in re.finditer(r"\bParameter\{[^,{}]*,[^,{}]*,", code):
        out.append((match.end(), code.index("}", match.end())))
    for match in re.finditer(r"(?<!if )\bconstexpr\b|\bArrayOperation \w+|\benum\b|\bcase\b"
                             r"|\bconcept\b|\busing\b|\bthrow\b", code):
        end = match.end()
        out.append((match.start(),
                    code.find(":", end) if match[0] == "case" else statement_end(code, end)))
    # pure virtual functions, bounds of arrays, sizes of pieces of work
    out += [m.span() for m in re.finditer(r"\) ?(const)? ?= 0;", code)]
    out += [m.span() for m in re.finditer(
        r"\b(?!return|delete|else|co_return)[\w>]+[*&>]? [*&]?\w+(\[[^\]]*\])+(?=[;,={])", code)]
    out += [m.span() for m in re.finditer(r"\b(grain|chunk) = [^;]*", code)]
    return out


def sites(path, text):
    """What can be changed in a file: (offset, token, change with a %d, shown as)."""
    code = blanked(text)
    barred, found = excluded(code), []
    for match in TOKENS.finditer(code):
        at, token, kind = match.start(), match[0], match.lastgroup
        before, after = code[:at].rstrip(), code[match.end():].lstrip()
        if any(a <= at < b for a, b in barred) or before.endswith("~") or after.startswith("~"):
            continue
        if kind == "binary":
            if before[-1:] in "(,{=&|" or before.endswith("return"):
                continue
            # one step too far is memory that is not there, which the sanitizers' build finds
            loop = token == "<" and re.search(r"\bfor \([^;{}]*;[^;]*$", before)
            for name, wrong in SWAPS[token][bool(loop):]:
                found.append((at, token, f"{token} mutant::{name}<%d>() {token}", wrong))
        elif kind == "assign":
            name = "PlusTo" if token[0] in "+-" else "TimesTo"
            wrong = {"+": "-=", "-": "+=", "*": "/=", "/": "*="}[token[0]]
            found.append((at, token, f"{token} mutant::{name}<%d>() =", wrong))
        elif kind in ("minus", "negation"):
            if re.search(r"[\w)\]]$", before) and not re.search(r"\b(return|else|case)$", before):
                continue
            name = "Minus" if kind == "minus" else "Not"
            found.append((at, token, f"mutant::{name}<%d>() ->* ", ""))
        else:
            pattern = token.startswith("0x")
            if pattern and "p" not in token:
                continue  # of bits
            plain = re.sub("[uUlLfF]+$", "", token)
            value = float.fromhex(plain) if pattern else float(plain.replace("'", ""))
            whole = re.fullmatch(r"[\d']+", plain)
            wrong = f"{token} + 1" if whole else f"{token} * 1.02" if value else "0.02"
            found.append((at, token, f"mutant::number<%d>({token}, "
                          f"static_cast<decltype({token})>({wrong}))", wrong))
    return found


def mutants(count, seed):
    """About `count` mutants, one at a place, spread over the groups. Which ones is drawn by hashes
    of their lines, so that most stay the same when the sources change."""
    files = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split()
    chosen = []
    for group, share, pattern in GROUPS:
        found, same = [], {}
        for path in files:
            if not re.fullmatch(pattern, path):
                continue
            text = (ROOT / path).read_text()
            begins = [0] + [m.end() for m in re.finditer("\n", text)]
            for at, token, change, wrong in sites(path, text):
                line = bisect.bisect_right(begins, at)
                column, source = at - begins[line - 1], text.split("\n")[line - 1]
                key = f"{path}|{source.strip()}|{source[:column].strip()}|{change}"
                same[key] = same.get(key, 0) + 1
                key += "|again" * (same[key] - 1)
                found.append(dict(group=group, path=path, line=line, column=column + 1, at=at,
                                  old=token, new=wrong, change=change, key=key,
                                  source=source.strip()))
        found.sort(key=lambda m: hashlib.sha256(f"{seed}{m['key']}".encode()).digest())
        places = {}
        for mutant in found:
            places.setdefault((mutant["path"], mutant["at"]), mutant)
        chosen += list(places.values())[:round(count * share)]
    chosen.sort(key=lambda m: (m["path"], m["at"]))
    return [dict(m, id=number) for number, m in enumerate(chosen, 1)]


def harmless(m):
    """Whether a change is of a kind that changes no result: where exactly one of two ways to
    compute the same begins, how work is cut, and short cuts for tensors without elements."""
    edge = m["new"] in (m["old"] + "=", m["old"][:-1])  # > and >=
    ways = edge and re.search(r"\b(huge_square|usual|fast)\b", m["source"])
    return ways or re.search(r"\bgrain\b|\.numel\(\) (==|>) 0\) (return|std::)", m["source"])


def write(path, text):
    if not path.exists() or path.read_bytes() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def copy_tree(folder, live):
    """The sources with their mutants; files that stay the same keep their time."""
    names = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                                    text=True).split("\n")
    by_file = {}
    for mutant in live:
        by_file.setdefault(mutant["path"], []).append(mutant)
    for name in filter(lambda name: (ROOT / name).is_file(), names):
        text = (ROOT / name).read_bytes()
        if name in by_file:
            text = text.decode()
            for m in sorted(by_file[name], key=lambda m: -m["at"]):
                text = text[:m["at"]] + m["change"] % m["id"] + text[m["at"] + len(m["old"]):]
            text = ("#include <xtape/tools/mutants.hpp>\n#line 1\n" + text).encode()
        write(folder / name, text)
    for path in folder.glob("*/**/*.[ch]pp"):
        if str(path.relative_to(folder)) not in names and "build" not in path.parts:
            path.unlink()
    

def faulty(log, folder, live):
    """The mutants that a log of g++ complains about: for each error those that it names, else those
    on its line or on the nearest line that made it instantiate a template."""
    at_line, out, lost, context, named = {}, set(), [], [], []
    for mutant in live:
        at_line.setdefault((mutant["path"], mutant["line"]), []).append(mutant["id"])
    for line in log.split("\n"):
        named += re.findall(r"mutant::\w+<(?:[^<>]*, )?(\d+)[,>]", line)
        match = re.match(r"(\S+?):(\d+):.*?(error:|required from|in .constexpr.|$)", line)
        if not match or not match[3]:
            continue
        path = os.path.realpath(folder / "build/release" / match[1])
        context.append((os.path.relpath(path, folder), int(match[2])))
        if match[3] == "error:":
            near = [(path, n + d) for d in (0, -1, 1) for path, n in context[-1:] + context]
            guilty = [int(named[-1])] if named else \
                next((at_line[place] for place in near if place in at_line), [])
            out.update(guilty)
            lost += [] if guilty else [line]
            context, named = [], []
    return [m for m in live if m["id"] in out], lost


def build(folder, options, live):
    """Builds until all that is left compiles; gives the mutants that are left."""
    sources, failed = folder / "src", folder / "dropped.json"
    dropped = json.loads(failed.read_text()) if failed.exists() else []
    live = [m for m in live if m["key"] not in dropped]
    os.environ.update(CCACHE_BASEDIR=str(sources), CCACHE_NOHASHDIR="1",
                      CCACHE_SLOPPINESS="pch_defines,time_macros")
    while True:
        copy_tree(sources, live)
        configure = ["cmake", "--preset", "release", "-DCMAKE_CXX_FLAGS=-w -Wno-narrowing",
                     "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -march=native -DNDEBUG"]
        subprocess.run(configure, cwd=sources, check=True, stdout=subprocess.DEVNULL)
        started = time.time()
        done = subprocess.run(["cmake", "--build", "--preset", "release", f"-j{options.jobs}",
                               "--target", options.build or "tests", "--", "-k", "0"],
                              cwd=sources, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        (folder / "build.log").write_text(done.stdout)
        bad, lost = faulty(done.stdout, sources, live)
        print(f"built in {time.time() - started:.0f} s; {len(bad)} mutants do not compile",
              flush=True)
        if done.returncode == 0:
            return live
        if not bad:
            sys.exit(f"the build fails: {folder}/build.log\n" + "\n".join(lost[:20]))
        dropped += [m["key"] for m in bad]
        write(failed, json.dumps(dropped, indent=1).encode())
        live = [m for m in live if m not in bad]


def stages(mutant):
    """Patterns of test files, those first that are most likely to notice soon."""
    folder, name = mutant["path"].split("/")
    stem = name.split(".")[0].split("_")[0]
    first, all_of_folder = f"*tests/*/{TESTED_BY.get(stem, stem)}*", f"*tests/{folder}/*"
    if folder == "autograd":
        return [first, "*tests/catalogue*", all_of_folder, "*", SLOW]
    return [first, all_of_folder, "*tests/catalogue*", "*", SLOW]


class Runner:
    """Runs the test program, and knows how long its parts take without a mistake."""

    def __init__(self, program):
        self.program, self.usual = program, {}

    def passes(self, number, only, without=(), limit=1200):
        command = ["nice", self.program, "--abort-after=1", "-sf=" + only]
        command += ["-sfe=" + ",".join(without)] if without else []
        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        process = subprocess.Popen(command, cwd=self.program.parent, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True,
                                   preexec_fn=limits, env=dict(os.environ, XTAPE_MUTANT=str(number),
                                                               OPENBLAS_NUM_THREADS="1"))
        try:
            return process.wait(timeout=limit) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return False

    def seconds(self, only):
        if only not in self.usual:
            started = time.time()
            if not self.passes(0, only, [] if only == SLOW else [SLOW]):
                sys.exit(f"{self.program} -sf={only} fails without any mutant")
            self.usual[only] = time.time() - started
        return self.usual[only]

    def caught(self, mutant, stage):
        """The pattern of the test files that noticed in this stage, or nothing. Who takes five
        times as long as usual and ten seconds more is caught, too."""
        parts = stages(mutant)
        only, before = parts[stage], [] if stage == 4 else [*parts[:stage], SLOW]
        passes = self.passes(mutant["id"], only, before, 10 + 5 * self.seconds(only))
        return "" if passes else only

    def try_all(self, waiting, jobs, tell):
        """Tells for each mutant which tests notice it, the first stage of all of them first."""
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for stage in range(5):
                runs = {pool.submit(self.caught, m, stage): m for m in waiting}
                for run in concurrent.futures.as_completed(runs):
                    if run.result():
                        waiting.remove(runs[run])
                        tell(runs[run], run.result())
        for mutant in waiting:
            tell(mutant, "")


def report(live, results, dropped):
    """A table of the groups and a list of what survived, in Markdown."""
    rows = ["| group | mutants | caught | share |", "|---|--:|--:|--:|"]
    tried = [m for m in live if m["key"] in results]
    for group in [group for group, *_ in GROUPS] + ["all"]:
        members = [m for m in tried if group in (m["group"], "all")]
        caught = sum(results[m["key"]] != "" for m in members)
        rows.append(f"| {group} | {len(members)} | {caught} "
                    f"| {100 * caught / max(1, len(members)):.1f} % |")
    rows += ["", f"{dropped} more did not compile. Survivors:", ""]
    for m in tried:
        if not results[m["key"]]:
            rows.append("- {path}:{line}:{column}, `{old}` -> `{new}`: `{source}`".format(**m))
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=260, help="how many mutants to seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="compilers or tests at a time")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/mutants")
    parser.add_argument("--survivors", action="store_true", help="try only what survived last time")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument("--build", metavar="TARGET", help="only build this: xtape or tests")
    options = parser.parse_args()
    everything = mutants(options.count, options.seed)
    if options.list:
        for m in everything:
            print("{id:4} {group:10} {path}:{line}  {old} -> {new}    {source}".format(**m))
        return
    folder = options.folder.resolve()
    live = build(folder, options, everything)
    if options.build:
        return
    not_compiled = len(everything) - len(live)
    live = [m for m in live if not harmless(m)]
    runner = Runner(folder / "src/build/release/bin/tests")
    known = folder / "results.json"
    results = json.loads(known.read_text()) if known.exists() and options.survivors else {}
    seconds = runner.seconds("*") + runner.seconds(SLOW)
    print(f"the tests take {seconds:.0f} s; {len(live)} mutants", flush=True)
    def tell(mutant, by):
        results[mutant["key"]] = by
        known.write_text(json.dumps(results, indent=1))
        print(f"{mutant['id']:4} {mutant['path']}:{mutant['line']}", by or "SURVIVES", flush=True)
    runner.try_all([m for m in live if not results.get(m["key"])], options.jobs, tell)
    text = report(live, results, not_compiled)
    (folder / "report.md").write_text(text)
    print("\n" + text)


if __name__ == "__main__":
    main()
