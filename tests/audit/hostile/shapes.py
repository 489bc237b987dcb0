"""Repositories that nobody means well with: deep, many, circular, enormous; files by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

Files = Mapping[str, str | bytes]
Made = Callable[[], Files]

DEEP = 10_000
SHELLS = 2_000  # a shell's text stands in several files at once
TENS = 10_000  # of what people have most of: services, stages, jobs, steps, targets
MANY = 2_000
HUGE = "9" * 5_000  # more digits than Python takes for a number
LONG = 900_000  # characters of one line: just below what is read at all

COMPOSE, DOCKERFILE, FLOW = "compose.yaml", "Dockerfile", ".github/workflows/ci.yml"

# The names that parsers look for.
NAMES = (
    COMPOSE,
    "docker-compose.override.yml",
    DOCKERFILE,
    "app.dockerfile",
    ".dockerignore",
    FLOW,
    ".github/actions/own/action.yml",
    "Makefile",
    "rules.mk",
    "package.json",
    "package-lock.json",
    "requirements.txt",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "Pipfile",
    "poetry.lock",
    "uv.lock",
    "prometheus.yml",
    ".env",
    "deploy/site.yaml",
    "deploy/kustomization.yaml",
    "chart/Chart.yaml",
    "chart/values.yaml",
    "README.md",
    "CHANGELOG.md",
    "FIXES_SUMMARY.md",
    "COMMIT_MESSAGE.txt",
    "scripts/start.sh",
    "app/main.py",
    "settings.py",
    "migrations/0001_initial.py",
    "tests/test_main.py",
    "index.js",
    "server.ts",
    "page.tsx",
    "nginx.conf",
    "alembic.ini",
    "init.sql",
    ".npmrc",
    "next.config.js",
)


def everywhere(data: str | bytes) -> Files:
    """The same contents by all these names."""
    return dict.fromkeys(NAMES, data)


def lines(pattern: str, count: int = MANY) -> str:
    """A line for each number, which the pattern has as `@`."""
    return "".join(pattern.replace("@", str(number)) for number in range(count))


def chain(first: str, pattern: str, count: int = MANY) -> str:
    """The same, where each line also has the number before it, as `~`."""
    return first + "".join(
        pattern.replace("@", str(number)).replace("~", str(number - 1))
        for number in range(1, count)
    )


def _service(text: str) -> Files:
    return {COMPOSE: f"services:\n  api:\n{text}"}


def _job(step: str) -> Files:
    return {FLOW: f"on: push\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n{step}"}


def _image(*more: str) -> dict[str, str | bytes]:
    """A service that is built here and starts `main.py`."""
    return {
        COMPOSE: "services:\n  api:\n    build: .\n    ports: ['80:80']\n",
        DOCKERFILE: "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"
        + "".join(more)
        + 'CMD ["python", "main.py"]\n',
    }


BROKEN: Mapping[str, Made] = {
    "nothing": dict,
    "empty files": lambda: everywhere(""),
    "binary": lambda: everywhere(bytes(range(256)) * 100),
    "a late zero": lambda: everywhere(b"a: b\n" * 3_000 + b"\0"),
    "not UTF-8": lambda: everywhere(b"caf\xe9: \xff\xfe\n" * 50),
    "UTF-16": lambda: everywhere("services:\n  a: b\n".encode("utf-16")),
    "a byte order mark": lambda: everywhere("\ufeffservices:\n  a:\n    image: x\n".encode()),
    "lone surrogates": lambda: everywhere(b"a: \xed\xa0\x80\nFROM \xed\xa0\x80\n"),
    "carriage returns": lambda: everywhere("services:\r  a:\r    image: x\r"),
    "half of each": lambda: {
        COMPOSE: "services:\n  api:\n    image: [\n",
        DOCKERFILE: "FROM python:3.12\nRUN pip install \\\n",
        "Dockerfile.two": "FROM",
        "Dockerfile.three": 'FROM x\nCMD ["a", ',
        "Dockerfile.four": "RUN <<EOF\nno end",
        "Dockerfile.five": "COPY --from=\nUSER\nCMD\nENV\nARG\nHEALTHCHECK CMD\nSHELL\n",
        FLOW: "on: [push\njobs:\n  a: {",
        "package.json": '{"scripts": {"test": ',
        "pyproject.toml": "[tool.poetry\nname =",
        "main.py": "def f(:\n",
        "index.js": "const a = {",
        "Makefile": "test:\n\t$(call\nendif\n",
        "requirements.txt": "fastapi==\n-r\n-e\n--hash\n[\n",
        "README.md": "- [x\n[a](<",
        "scripts/start.sh": "if [ 1\nthen <<E\n$(",
    },
    "the wrong kinds": lambda: {
        COMPOSE: "services:\n  - a\n  - {b: c}\nvolumes: 3\nnetworks: [1]\nname: {}\ninclude: 7\n",
        "docker-compose.yml": "services: {a: 3, b: [], c: {image: {}, build: [], ports: {a: b},"
        " environment: 3, depends_on: {x: 1}, healthcheck: [], command: {a: b}, volumes: 7,"
        " networks: {x: [1]}, deploy: [], env_file: {a: b}, extends: [1], profiles: {}}}\n",
        FLOW: "on: 3\njobs: [a]\n",
        ".github/workflows/two.yml": "on: {push: 3}\njobs: {a: 3, b: {steps: {x: y}, needs: {},"
        " strategy: 3, env: [], services: [], if: [], uses: {}}, c: {steps: [3, [], {run: {}},"
        " {uses: []}, {run: x, env: 3, with: 3, shell: []}]}}\n",
        "package.json": '{"scripts": [1], "dependencies": "x", "workspaces": 3, "name": {}}',
        "package-lock.json": "[]",
        "pyproject.toml": "project = 3\n[tool]\npoetry = []\nuv = 3\nruff = 'x'\n",
        "poetry.lock": "package = 3\n",
        "uv.lock": "package = [{name = 3}]\n",
        "Pipfile": "packages = 3\n",
        "prometheus.yml": "scrape_configs: [3, {static_configs: 3}, {static_configs: [{targets:"
        " {}}]}]",
        "deploy/site.yaml": "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec:"
        " {containers: {a: b}, volumes: 3, securityContext: []}}}\nmetadata: 3\n",
        "chart/values.yaml": "- image: 3\n- [a]\n",
        "chart/Chart.yaml": "3",
    },
    "invalid numbers and dates": lambda: {
        COMPOSE: "services: {a: {image: 9999-99-99, ports: [1:1:1:1, 99999999999999999999:x, '::',"
        " '80-1:5', 1e999, .nan], mem_limit: 0o9}}\n",
        "package.json": '{"version": 1e999, "scripts": {"a": NaN}}',
        "pyproject.toml": "a = 9999-99-99\n",
    },
    "numbers of many digits": lambda: {
        COMPOSE: f"services: {{a: {{image: 'redis:{HUGE}', ports: ['{HUGE}:6379']}}}}\n",
        DOCKERFILE: f"FROM python:{HUGE}\nCOPY --from={HUGE} / /\nUSER {HUGE}\n",
        "package.json": f'{{"version": {HUGE}, "scripts": {{}}}}',
        "package-lock.json": f'{{"lockfileVersion": {HUGE}}}',
        "pyproject.toml": f"[project]\nname = {HUGE}\n",
        "main.py": f"x = {HUGE}\n",
        "FIXES.md": f"# Fixed\n\n- [x] {HUGE}. Health checks\n\n### {HUGE}-{HUGE}. CORS\n",
        "requirements.txt": f"a=={HUGE}\na>={HUGE}; python_version > '{HUGE}'\n",
    },
    "surprising keys": lambda: {
        COMPOSE: "? [a, b]\n: c\nservices: {null: {image: x}, 3: {image: y}, ? {a: b} : {image: z},"
        " '': {build: ''}, true: {build: {context: ''}}}\n",
        FLOW: "true: push\njobs: {null: {steps: [{run: make}]}, 3: {}}\n",
    },
    "unknown tags": lambda: everywhere("services: !!python/object/apply:os.system ['true']\n"),
    "many documents": lambda: everywhere("--- {a: b}\n" * 3_000),
    "duplicate keys": lambda: everywhere("services: {a: {image: x}, a: {image: y}}\n" * 2),
}

BOMBS: Mapping[str, Made] = {
    "aliases": lambda: everywhere(
        "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
        + "services: *a29\njobs: *a29\n"
    ),
    "merged mappings": lambda: everywhere(
        "a0: &a0 {k0: 1}\n"
        + "".join(
            f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n  k{n}: 1\n"
            for n in range(1, 60)
        )
        + "services:\n  api: *a59\n"
    ),
    "a list of itself": lambda: everywhere("services: &a\n  api: *a\njobs: *a\non: *a\n"),
    "a merge of itself": lambda: everywhere(
        "services: &a\n  <<: *a\n  api: &b {<<: *b, env: *b}\n"
    ),
    "anchors in services": lambda: {
        COMPOSE: "x: &x {environment: {A: 1}}\nservices:\n" + lines("  s@: {<<: *x, image: a}\n")
    },
    "interpolation": lambda: _service(
        "    image: " + "${A:-" * 400 + "x" + "}" * 400 + "\n"
        "    command: " + "${A:-${B:-" * 5_000 + "\n"
    ),
    "interpolation of itself": lambda: {
        ".env": "A=${B}${B}\nB=${A}${A}\nC=${C:-${C}}\n",
        COMPOSE: "services:\n  api:\n    image: ${A}\n    environment: {X: '${C}'}\n",
    },
    "interpolation doubled": lambda: {
        ".env": "A0=xxxxxxxxxx\n"
        + "".join(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 60)),
        COMPOSE: "services:\n  api:\n    image: ${A59}\n",
    },
    "arguments doubled": lambda: {
        DOCKERFILE: "ARG A0=xxxxxxxxxx\n"
        + "".join(f"ARG A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 60))
        + "FROM ${A59}\nENV X=$A59\nCOPY $A59 /\n"
    },
    "environment doubled": lambda: {
        DOCKERFILE: "FROM x\nENV A0=xxxxxxxxxx\n"
        + "".join(f"ENV A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 60))
        + "WORKDIR $A59\nCMD python $A59\n"
    },
    "variables of make doubled": lambda: {
        "Makefile": "A0 = xxxxxxxxxx\n"
        + "".join(f"A{n} = $(A{n - 1})$(A{n - 1})\n" for n in range(1, 60))
        + "test:\n\t$(A59)\n",
        **_job("      - run: make test\n"),
    },
    "a matrix": lambda: _job(
        "      - uses: docker/build-push-action@v6\n        with: {context: '${{ matrix.a }}'}\n"
        "    strategy:\n      matrix:\n"
        + "".join(f"        k{n}: [{', '.join(map(str, range(50)))}]\n" for n in range(20))
    ),
    "constants doubled": lambda: {
        **_image(),
        "main.py": "import os\nA0 = 'x' * 10\n"
        + "".join(f"A{n} = A{n - 1} + A{n - 1}\n" for n in range(1, 60))
        + "os.getenv(A59, f'{A59}{A59}')\n",
    },
    "constants of themselves": lambda: {
        **_image(),
        "main.py": "import os\nA = B\nB = A\nos.getenv(A, B)\nprint(f'{A}{B}')\napp.run(debug=A)\n",
        "index.js": "const a = b; const b = a; fetch(a); process.env[b] || a;\n",
    },
}

_STARS = "*a" * 30 + "*b"
_ALIKE = "a" * 100  # which no such pattern matches, in more ways than can be tried

PATTERNS: Mapping[str, Made] = {
    "ignored by an engine": lambda: {
        **_image(f"COPY {_ALIKE} /x\n"),
        ".dockerignore": f"{_STARS}\n[a-\n[[a]--&&~~||]\n",
        _ALIKE: "",
        "main.py": "",
    },
    "ignored by Git": lambda: {
        **_javascript(f'import "./{_ALIKE}.js";'),
        ".gitignore": f"{_STARS}\n[a-\n[[a]--&&~~||]\n",
    },
    "copied": lambda: {
        **_image(f"COPY {_STARS} /x/\nCOPY {'[a-z]*' * 30}0 /x/\n"),
        _ALIKE: "",
    },
    "named by a claim": lambda: {
        **_markdown(f"- [x] Removed hardcoded secrets from `{_STARS}.yaml`\n"),
        f"{_ALIKE}.yaml": "a: b\n",
    },
    "of workspaces": lambda: {
        "package.json": f'{{"workspaces": ["{_STARS}", "**/**/**/**/**/b"], "scripts":'
        f' {{"test": "jest"}}}}',
        f"{_ALIKE}/package.json": '{"name": "a"}',
        "pyproject.toml": f"[tool.uv.workspace]\nmembers = ['{_STARS}']\n",
        **_job("      - run: npm test -ws\n"),
    },
    "of tests": lambda: {
        "pytest.ini": f"[pytest]\npython_files = {_STARS}.py\ntestpaths = {_STARS}\n",
        "package.json": f'{{"scripts": {{"test": "jest {_STARS}"}}, "jest": {{"testMatch":'
        f' ["{_STARS}"]}}}}',
        f"tests/test_{_ALIKE}.py": "def test_a(): pass\n",
        **_job(f"      - run: pytest {_STARS} && npm test\n"),
    },
    "of a shell": lambda: _shell(f"pytest {_STARS}; case {_ALIKE} in {_STARS}) ;; esac"),
    "a URL of many parts": lambda: {
        **_image(),
        ".env": f"DATABASE_URL=postgresql://{'a:' * 5_000}@{'b.' * 5_000}/{'c?' * 5_000}\n",
        "main.py": f"import os\nos.getenv('DATABASE_URL', 'postgresql://{'a:' * 2_000}')\n",
    },
}

NESTED: Mapping[str, Made] = {
    "flow lists": lambda: everywhere("[" * DEEP),
    "closed flow lists": lambda: everywhere("a: " + "[" * DEEP + "]" * DEEP),
    "flow mappings": lambda: everywhere("a: " + "{a: " * DEEP),
    "closed flow mappings": lambda: everywhere('{"a": ' * DEEP + "1" + "}" * DEEP),
    "block mappings": lambda: everywhere("".join(f"{' ' * n}a:\n" for n in range(600))),
    "block lists": lambda: everywhere("- " * DEEP + "a"),
    "keys of keys": lambda: everywhere("? " * DEEP + "a"),
    "anchors": lambda: everywhere("&a " * DEEP),
    "JSON": lambda: dict.fromkeys(
        ("package.json", "package-lock.json", "tsconfig.json"),
        '{"scripts":' * DEEP + "1" + "}" * DEEP,
    ),
    "TOML": lambda: {
        "pyproject.toml": "a = " + "[" * DEEP + "]" * DEEP,
        "uv.lock": "[" + "a." * DEEP + "a]\n",
        "poetry.lock": "a = " + "{a = " * DEEP,
    },
    "parentheses of Python": lambda: _python("x = " + "(" * DEEP + ")" * DEEP),
    "a few parentheses of Python": lambda: _python("x = " + "(" * 150 + "1" + ")" * 150),
    "blocks of Python": lambda: _python(
        "".join(f"{' ' * n}if x:\n" for n in range(95)) + " " * 96 + "x\n"
    ),
    "functions of Python": lambda: _python(
        "".join(f"{' ' * n}def f():\n" for n in range(95)) + " " * 96 + "import y\n"
    ),
    "attributes of Python": lambda: _python("x = a" + ".b" * DEEP),
    "calls of Python": lambda: _python("x = a" + "()" * 3_000),
    "sums of Python": lambda: _python("x = " + "a + " * 3_000 + "a"),
    "long sums of Python": lambda: _python("x = " + "'a' + " * DEEP + "'a'"),
    "negations of Python": lambda: _python("x = " + "not " * 3_000 + "a"),
    "lambdas of Python": lambda: _python("x = " + "lambda: " * 900 + "a"),
    "subscripts of Python": lambda: _python("x = a" + "[0]" * 3_000),
    "decorators of Python": lambda: _python("@app.get('/x')\n" * MANY + "def f(): pass\n"),
    "conditions of Python": lambda: _python("x = " + "a if b else " * 3_000 + "c"),
    "elif of Python": lambda: _python("if a: pass\n" + "elif a: pass\n" * 3_000),
    "or of Python": lambda: _python(
        "import os\nx = os.getenv('A') or " + "(os.getenv('B') or " * 90 + "'c'" + ")" * 90
    ),
    "lists of JavaScript": lambda: _javascript("const a = " + "[" * DEEP + "]" * DEEP),
    "functions of JavaScript": lambda: _javascript("(() => {" * DEEP + "})" * DEEP),
    "calls of JavaScript": lambda: _javascript("fetch(" * DEEP + ")" * DEEP),
    "members of JavaScript": lambda: _javascript("const a = b" + ".c" * DEEP),
    "sums of JavaScript": lambda: _javascript("const a = " + '"a" + ' * DEEP + '"b"'),
    "defaults of JavaScript": lambda: _javascript(
        "const a = " + "process.env.A || " * DEEP + '"b"'
    ),
    "templates of JavaScript": lambda: _javascript("const a = " + "`${" * 5_000 + "}`" * 5_000),
    "chains of JavaScript": lambda: _javascript("app" + ".use(cors())" * DEEP),
    "conditions of JavaScript": lambda: _javascript("const a = " + "b ? c : " * DEEP + "d"),
    "elements of TypeScript": lambda: {"page.tsx": "const a = " + "<a>" * DEEP},
    "types of TypeScript": lambda: {"server.ts": "type A = " + "Array<" * DEEP + ">" * DEEP},
    "blocks of JavaScript": lambda: _javascript("{" * DEEP + "}" * DEEP),
    "substitutions of a shell": lambda: _shell("echo " + "$(echo " * SHELLS + ")" * SHELLS),
    "conditions of a shell": lambda: _shell("if a; then " * SHELLS),
    "groups of a shell": lambda: _shell("( " * SHELLS + "pytest" + " )" * SHELLS),
    "braces of a shell": lambda: _shell("{ " * SHELLS + "pytest; " + "}; " * SHELLS),
    "quotes of a shell": lambda: _shell("sh -c \"sh -c '" * SHELLS),
    "arithmetic of a shell": lambda: _shell("echo " + "$((" * SHELLS),
    "parameters of a shell": lambda: _shell("echo " + "${A:-" * SHELLS + "}" * SHELLS),
    "lists of a shell": lambda: _shell("pytest && " * SHELLS + "true"),
    "alternatives of a shell": lambda: _shell("pytest || " * SHELLS + "true"),
    "pipes of a shell": lambda: _shell("pytest | " * SHELLS + "cat"),
    "heredocs of a shell": lambda: _shell("cat <<E\n" * SHELLS),
    "backticks of a shell": lambda: _shell("echo " + "`" * SHELLS),
    "wrappers of a shell": lambda: _shell("env A=1 sudo nohup " * SHELLS + "pytest"),
    "functions of a shell": lambda: _shell("f() { " * SHELLS),
    "cases of a shell": lambda: _shell("case a in a) " * SHELLS),
    "calls of make": lambda: {
        "Makefile": "A = " + "$(call f,$(A)," * DEEP + ")" * DEEP + "\ntest:\n\t$(A)\n",
        **_job("      - run: make test\n"),
    },
    "conditions of make": lambda: {"Makefile": "ifdef A\n" * DEEP},
    "definitions of make": lambda: {"Makefile": "define A\n" * DEEP},
    "continued lines": lambda: everywhere("RUN a \\\n" * MANY),
    "images of JSON": lambda: {DOCKERFILE: "FROM x\nCMD " + "[" * DEEP + "\n"},
    "lists of Markdown": lambda: _markdown("".join(f"{' ' * n}- [x] a\n" for n in range(1_300))),
    "bullets of Markdown": lambda: _markdown("- " * DEEP + "[x] a"),
    "quotes of Markdown": lambda: _markdown("> " * DEEP + "a"),
    "quotes of many lines": lambda: _markdown(("> " * 200 + "a\n") * 500),
    "links of Markdown": lambda: _markdown("[" * DEEP + "](" * DEEP),
    "images of Markdown": lambda: _markdown("![" * DEEP + "](a)" * DEEP),
    "emphasis of Markdown": lambda: _markdown("*a_ " * DEEP),
    "stars of Markdown": lambda: _markdown("*" * DEEP + "a" + "*" * DEEP),
    "tables of Markdown": lambda: _markdown(
        "|a" * 3_000 + "\n" + "|-" * 3_000 + "\n" + ("|b" * 300 + "\n") * 300
    ),
    "elements of Markdown": lambda: _markdown("<a" * DEEP + ">" * DEEP),
    "headings of Markdown": lambda: _markdown("# Fixed\n- [x] Health checks\n" * 5_000),
    "conditions of a job": lambda: _condition("(" * DEEP + "true" + ")" * DEEP),
    "open conditions of a job": lambda: _condition("(" * DEEP),
    "negations of a job": lambda: _condition("!" * DEEP + "true"),
    "alternatives of a job": lambda: _condition("github.event_name == 'push' || " * DEEP + "true"),
    "indices of a job": lambda: _condition("github" + "['a']" * DEEP),
    "functions of a job": lambda: _condition("contains(" * DEEP),
    "expressions in expressions": lambda: _condition("${{ " * DEEP),
    "folders": lambda: {f"{'a/' * 1_500}{name}": "a: b\n" for name in NAMES},
    "paths that climb": lambda: {
        COMPOSE: f"services:\n  api:\n    build: {'a/../' * DEEP}\n    env_file: {'../' * DEEP}x\n",
        "requirements.txt": f"-r {'../' * DEEP}x\n",
    },
    "markers of requirements": lambda: {
        **_image("RUN pip install -r requirements.txt\n"),
        "requirements.txt": "fastapi; " + "(" * DEEP + "python_version > '3'" + ")" * DEEP + "\n",
        "pyproject.toml": f"[project]\nname = 'a'\ndependencies = [\"x; {'(' * DEEP}\"]\n",
    },
    "extras of requirements": lambda: {"requirements.txt": "a[" * DEEP + "\n"},
    "locations of nginx": lambda: {
        **_image(),
        "nginx.conf": "location / { " * DEEP + "proxy_pass http://api:80; " + "}" * DEEP,
    },
}


def _python(text: str) -> Files:
    return {
        **_image(),
        "main.py": f"import os\nfrom fastapi import FastAPI\n{text}\n",
        "setup.py": text,
    }


def _javascript(text: str) -> Files:
    return {
        COMPOSE: "services:\n  api:\n    build: .\n    ports: ['80:80']\n",
        DOCKERFILE: 'FROM node:22-slim\nCOPY . .\nCMD ["node", "index.js"]\n',
        "package.json": '{"name": "a", "dependencies": {"express": "4.21.1"}}',
        "index.js": f'import express from "express";\n{text}\n',
        "server.ts": f"{text}\n",
    }


def _shell(text: str) -> Files:
    return {
        "scripts/start.sh": f"#!/bin/sh\n{text}\n",
        "Makefile": f"test:\n\t{text.replace(chr(10), ' ')}\n",
        DOCKERFILE: f"FROM x\nRUN {text}\nHEALTHCHECK CMD {text}\nCMD {text}\n",
        "package.json": '{"scripts": {"test": "sh scripts/start.sh"}}',
        COMPOSE: "services:\n  api:\n    build: .\n    command: >-\n      "
        + text.replace("\n", " ")
        + "\n",
        **_job(
            "      - run: make test && npm test && sh scripts/start.sh\n      - run: |\n"
            + "".join(f"          {line}\n" for line in text.split("\n"))
        ),
    }


def _markdown(text: str) -> Files:
    return dict.fromkeys(("README.md", "CHANGELOG.md", "FIXES_SUMMARY.md"), text)


def _condition(text: str) -> Files:
    flow = f'on: push\njobs:\n  test:\n    if: "{text}"\n    steps:\n'
    return {FLOW: flow + f'      - run: pytest\n        if: "{text}"\n'}


CROWDS: Mapping[str, Made] = {
    "services": lambda: {
        COMPOSE: "services:\n" + lines("  s@: {image: 'redis', ports: ['@:@']}\n", TENS)
    },
    "services that depend": lambda: {
        COMPOSE: chain("services:\n  s0: {image: a}\n", "  s@: {image: a, depends_on: [s~]}\n")
    },
    "services that depend on all": lambda: {
        COMPOSE: "services:\n"
        + lines("  s@: {image: a}\n", 150)
        + lines(
            f"  t@: {{image: a, depends_on: [{', '.join(f's{n}' for n in range(150))}]}}\n", 300
        )
    },
    "services that extend": lambda: {
        COMPOSE: chain("services:\n  s0: {image: a}\n", "  s@: {extends: {service: s~}}\n")
    },
    "services of one build": lambda: {
        **_image(),
        COMPOSE: "services:\n" + lines("  s@: {build: ., ports: ['@:@']}\n"),
        "main.py": "import nothing\n",
    },
    "variables": lambda: {
        **_image(),
        COMPOSE: "services:\n  api:\n    build: .\n    environment:\n"
        + lines("      A@_URL: http://b@:80\n"),
        "main.py": "import os\n" + lines("os.getenv('B@', 'x@')\n"),
    },
    "volumes": lambda: _service("    build: .\n    volumes:\n" + lines("      - ./a@:/app/@\n")),
    "files of Compose": lambda: {
        f"d{n}/compose.yaml": "services:\n  a: {image: redis, ports: ['1:1']}\n"
        for n in range(2_000)
    },
    "overrides": lambda: {
        "compose.yaml": "services:\n  a: {image: x}\n",
        **{f"compose.o{n}.yaml": "services:\n  a: {environment: {A: b}}\n" for n in range(1_000)},
    },
    "files that include": lambda: {
        "compose.yaml": "include: [a1.yaml]\n",
        **{
            f"a{n}.yaml": f"include: [a{n + 1}.yaml, a{n + 1}.yaml]\nservices:\n  s{n}:"
            f" {{image: x}}\n"
            for n in range(1, 200)
        },
    },
    "stages": lambda: {
        DOCKERFILE: chain("FROM a AS s0\n", "FROM s~ AS s@\nCOPY --from=s~ /a /b\n", TENS)
    },
    "stages of one base": lambda: {
        DOCKERFILE: lines("FROM python:3.12 AS s@\nRUN pip install a@\n")
    },
    "copies": lambda: {DOCKERFILE: "FROM a\n" + lines("COPY a@ b@\n", TENS)},
    "copies of folders": lambda: {
        DOCKERFILE: "FROM python\n" + lines("COPY . /a@\n", 3_000) + 'CMD ["python", "main.py"]\n',
        **{f"m{n}.py": "import os\n" for n in range(1_000)},
    },
    "commands of an image": lambda: {
        DOCKERFILE: "FROM a\n" + lines("RUN pip install a@ && curl -k b\n")
    },
    "installs of an image": lambda: {
        DOCKERFILE: "FROM node\nCOPY package.json .\n" + lines("RUN npm ci\nCOPY a b@\n", 1_400),
        "package.json": "{}",
    },
    "names of a target": lambda: {
        "Makefile": "a " * 9_000
        + lines("b@ ", 3_000)
        + ": "
        + "c " * 3_000
        + "\n"
        + lines("\tpytest a@ || true\n", 300),
        FLOW: "on: push\njobs: {a: {steps: [{run: make a}]}}\n",
    },
    "sources of a copy": lambda: {
        DOCKERFILE: "FROM python AS a\nCOPY "
        + "> " * 9_000
        + "/x\nFROM python\n"
        + lines("COPY --from=a /venv@ /venv@\n", 200)
    },
    "lines of an instruction": lambda: {
        DOCKERFILE: 'FROM a\nENV A="' + ("x" * 99 + "\\\n") * 9_000 + '"\nCOPY "' + "y\\\n" * 99
    },
    "Dockerfiles": lambda: {
        f"d{n}/Dockerfile": "FROM python\nCOPY . .\nCMD python main.py\n" for n in range(2_000)
    },
    "jobs": lambda: {
        FLOW: "on: push\njobs:\n" + lines("  j@: {steps: [{run: 'pytest || true'}]}\n", TENS)
    },
    "jobs that need": lambda: {
        FLOW: chain(
            "on: push\njobs:\n  j0: {if: github.event_name == 'x', steps: [{run: pytest}]}\n",
            "  j@: {needs: j~, steps: [{run: pytest}]}\n",
        )
    },
    "jobs that need all": lambda: {
        FLOW: "on: push\njobs:\n"
        + lines("  j@: {if: false, steps: [{run: a}]}\n", 150)
        + lines(
            f"  k@: {{needs: [{', '.join(f'j{n}' for n in range(150))}], steps: [{{run: b}}]}}\n",
            150,
        )
    },
    "steps": lambda: _job(lines("      - {run: pytest, id: a@, continue-on-error: true}\n", TENS)),
    "steps that are asked for": lambda: _job(
        lines("      - {run: pytest, id: a@, continue-on-error: true}\n", 3_000)
        + lines("      - {run: 'echo ${{ steps.a@.outcome }}'}\n", 3_000)
    ),
    "workflows": lambda: (
        {
            f".github/workflows/w{n}.yml": "on: push\njobs: {a: {steps: [{run: make test}]}}\n"
            for n in range(2_000)
        }
        | {"Makefile": "test:\n\tpytest\n"}
    ),
    "steps that all make": lambda: {
        "Makefile": "test:\n" + lines("\techo a@\n", 3_000),
        **_job(lines("      - run: make test\n", 3_000)),
    },
    "targets": lambda: {
        "Makefile": lines("t@:\n\tpytest || true\n", TENS),
        **_job("      - run: make t1\n"),
    },
    "targets that need": lambda: {
        "Makefile": chain("t0:\n\tpytest\n", "t@: t~\n\techo\n"),
        **_job("      - run: make t1999\n"),
    },
    "targets that need all": lambda: {
        "Makefile": lines("t@: " + " ".join(f"t{n}" for n in range(150)) + "\n\tpytest\n", 300),
        **_job("      - run: make t1\n"),
    },
    "variables of make": lambda: {"Makefile": lines("A@ = $(A)\n") + "test:\n\t$(A1)\n"},
    "scripts": lambda: {
        "package.json": '{"scripts": {"test": "npm run s1", '
        + ", ".join(f'"s{n}": "npm run s{n + 1} && npm run s{n + 1}"' for n in range(MANY))
        + "}}",
        **_job("      - run: npm test\n"),
    },
    "packages": lambda: (
        {
            f"p{n}/package.json": f'{{"name": "p{n}", "scripts": {{"test": "jest"}}}}'
            for n in range(2_000)
        }
        | _job("      - run: npm test --workspaces\n")
    ),
    "commands of a script": lambda: {
        "run.sh": "#!/bin/sh\n" + lines("pytest a@\n"),
        **_job("      - run: ./run.sh\n"),
    },
    "scripts that call two": lambda: {
        **{
            f"s{n}.sh": f"#!/bin/sh\n./s{n + 1}.sh\n./s{n + 1}.sh\n./s{n + 1}.sh\n"
            for n in range(100)
        },
        **_job("      - run: ./s0.sh\n"),
    },
    "imports": lambda: {
        **_image("RUN pip install fastapi\n"),
        "main.py": lines("import a@\n"),
    },
    "modules": lambda: {
        **_image("RUN pip install fastapi\n"),
        "main.py": "import m0\n",
        **{f"m{n}.py": f"import m{n + 1}\nimport x{n}\n" for n in range(3_000)},
    },
    "modules that import all": lambda: {
        **_image("RUN pip install fastapi\n"),
        "main.py": "import m0\n",
        **{f"m{n}.py": "".join(f"import m{k}\n" for k in range(150)) for n in range(150)},
    },
    "folders on the path": lambda: {
        **_image("RUN pip install fastapi\n"),
        "main.py": "import sys\n" + lines("sys.path.append('d@')\nimport a@\n", 2_000),
    },
    "routes": lambda: {
        **_image(),
        "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"
        + lines("@app.get('/r@')\ndef r@(): return requests.get('x')\n", 5_000),
    },
    "metrics": lambda: {
        **_image(),
        "main.py": "from prometheus_client import Counter\n" + lines("C@ = Counter('c@', 'x')\n"),
    },
    "calls": lambda: {
        **_image(),
        "main.py": "import requests\n" + lines("requests.get('a@', verify=False)\n"),
    },
    "calls of JavaScript": lambda: _javascript(lines('fetch("http://a@");\n')),
    "variables of JavaScript": lambda: _javascript(
        lines('const a@ = process.env.A@ || "secret@";\n')
    ),
    "requirements": lambda: {
        **_image("RUN pip install -r requirements.txt\n"),
        "requirements.txt": lines("a@>=1\n"),
    },
    "files of requirements": lambda: {
        "requirements.txt": "-r r0.txt\n",
        **{f"r{n}.txt": f"-r r{n + 1}.txt\n-r r{n + 1}.txt\na{n}\n" for n in range(1_000)},
        **_image("RUN pip install -r requirements.txt\n"),
    },
    "packages of a lock": lambda: {
        "uv.lock": lines("[[package]]\nname = 'a@'\nversion = '1'\n"),
        "pyproject.toml": "[project]\nname = 'a'\n",
    },
    "extras": lambda: {
        "pyproject.toml": "[project]\nname = 'a'\n[project.optional-dependencies]\n"
        + lines("e@ = ['a[e@]', 'a[e0]']\n"),
        **_image("RUN pip install .[e1]\n"),
    },
    "manifests": lambda: {
        "deploy/site.yaml": lines(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a@}\nspec: {selector:"
            " {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers:"
            " [{name: a, image: redis}]}}}\n",
            3_000,
        )
        + lines(
            "---\napiVersion: v1\nkind: Service\nmetadata: {name: s@}\nspec: {type: NodePort,"
            " selector: {a: b}}\n",
            3_000,
        )
    },
    "values": lambda: {
        "chart/Chart.yaml": "name: a\n",
        "chart/values.yaml": lines("a@: {image: {repository: a/b, tag: latest}}\n"),
    },
    "scrape targets": lambda: {
        **_image(),
        "prometheus.yml": "scrape_configs:\n"
        + lines("  - static_configs: [{targets: ['api@:80']}]\n"),
    },
    "upstreams": lambda: {
        **_image(),
        "nginx.conf": "".join(
            f"upstream u{n} {{ server api:80; }}\nproxy_pass http://v{n}:80;\n"
            for n in range(5_000)
        ),
    },
    "claims": lambda: (
        _markdown(lines("- [x] Health checks on service s@\n", 5_000))
        | {COMPOSE: "services:\n" + lines("  s@: {image: redis}\n", 2_000)}
    ),
    "claims of files": lambda: (
        _markdown(lines("- [x] Removed secrets from a@/*.yaml\n", 5_000))
        | {f"a{n}/x.yaml": "a: b\n" for n in range(3_000)}
    ),
    "suppressions": lambda: {COMPOSE: lines("# summit: ignore SEC001 -- a@\n")},
    "secrets": lambda: {".env": lines("A@_PASSWORD=hunter2@\n")},
    "files": lambda: {f"a{n % 100}/b{n}.txt": "" for n in range(MANY)},
    "files of Python": lambda: {
        f"a{n % 100}/b{n}.py": "import os\nprint(os.environ)\n" for n in range(3_000)
    },
    "tests": lambda: (
        {f"t{n}/test_a.py": "def test_a(): pass\n" for n in range(3_000)}
        | _job("      - run: pytest t1\n")
    ),
}

CIRCLES: Mapping[str, Made] = {
    "include": lambda: {
        "compose.yaml": "include: [a.yaml]\nservices: {a: {image: x}}\n",
        "a.yaml": "include: [compose.yaml, a.yaml]\nservices: {b: {image: x}}\n",
    },
    "extends": lambda: {
        COMPOSE: "services: {a: {extends: b}, b: {extends: {service: a}}, c: {extends: c},"
        " d: {extends: {file: compose.yaml, service: d}}, e: {extends: {file: f.yaml, service:"
        " e}}}\n",
        "f.yaml": "services: {e: {extends: {file: compose.yaml, service: e}}}\n",
    },
    "depends_on": lambda: {
        COMPOSE: "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a, b]}}\n"
    },
    "needs": lambda: {
        FLOW: "on: push\njobs: {a: {needs: [b, a], steps: [{run: pytest}]}, b: {needs: a, if:"
        " false,"
        " steps: []}}\n"
    },
    "workflows": lambda: {
        FLOW: "on: workflow_call\njobs: {a: {uses: ./.github/workflows/ci.yml}, b: {uses:"
        " ./.github/workflows/two.yml}}\n",
        ".github/workflows/two.yml": "on: push\njobs: {a: {uses: ./.github/workflows/ci.yml}, b:"
        " {uses: ./.github/workflows/ci.yml}}\n",
    },
    "actions": lambda: {
        **_job("      - uses: ./a\n      - uses: ./b\n"),
        "a/action.yml": "runs: {using: composite, steps: [{uses: ./b}, {uses: ./a}, {uses:"
        " ./b}]}\n",
        "b/action.yml": "runs: {using: composite, steps: [{uses: ./a}, {uses: ./a}, {run:"
        " pytest}]}\n",
    },
    "targets": lambda: {
        "Makefile": "a: b a\n\tmake b\n\tmake a\nb: a\n\t$(MAKE) a\n\tmake -C . b\n",
        **_job("      - run: make a\n"),
    },
    "scripts": lambda: {
        "package.json": '{"scripts": {"test": "npm test && npm run a", "pretest": "npm test",'
        ' "a": "npm test; make a; ./a.sh"}}',
        "Makefile": "a:\n\tnpm test\n\t./a.sh\n",
        "a.sh": "#!/bin/sh\n./a.sh\nnpm test\nmake a\nsh -c './a.sh'\n",
        **_job("      - run: npm test\n"),
    },
    "stages": lambda: {
        DOCKERFILE: "FROM b AS a\nCOPY --from=a / /\nFROM a AS b\nCOPY --from=b / /\nFROM c AS c\n"
        "COPY --from=2 / /\nRUN --mount=from=c true\n"
    },
    "arguments": lambda: {
        DOCKERFILE: "ARG A=$B\nARG B=$A\nFROM $A\nENV C=$D D=$C\nWORKDIR $C\nCMD $D\n"
    },
    "requirements": lambda: {
        **_image("RUN pip install -r requirements.txt -c c.txt\n"),
        "requirements.txt": "-r requirements.txt\n-r a.txt\n-c c.txt\n-e .\n",
        "a.txt": "-r requirements.txt\n-r ./a.txt\n",
        "c.txt": "-c c.txt\n-r a.txt\n",
        "setup.py": "from setuptools import"
        " setup\nsetup(install_requires=open('requirements.txt'))\n",
    },
    "extras": lambda: {
        **_image("RUN pip install .[a]\n"),
        "pyproject.toml": "[project]\nname = 'x'\ndependencies = ['x[a]']\n"
        "[project.optional-dependencies]\na = ['x[b]']\nb = ['x[a]', 'x[b]']\n"
        "[dependency-groups]\nc = [{include-group = 'c'}, {include-group = 'd'}]\n"
        "d = [{include-group = 'c'}]\n",
    },
    "projects": lambda: {
        **_image("RUN uv sync --frozen\n"),
        "pyproject.toml": "[project]\nname = 'x'\ndependencies = ['y']\n[tool.uv.sources]\n"
        "y = {path = 'y'}\n[tool.uv.workspace]\nmembers = ['*', '..', '.']\n",
        "y/pyproject.toml": "[project]\nname = 'y'\ndependencies = ['x']\n[tool.uv.sources]\n"
        "x = {path = '..'}\n",
        "uv.lock": "[[package]]\nname = 'x'\ndependencies = [{name = 'y'}]\n[[package]]\nname ="
        " 'y'\n"
        "dependencies = [{name = 'x'}, {name = 'y'}]\n",
    },
    "imports": lambda: {
        **_image("RUN pip install fastapi\n"),
        "main.py": "import a, main\nfrom . import b\nfrom a import *\n",
        "a.py": "import main, a, b\nfrom b import *\n",
        "b/__init__.py": "from . import b\nfrom .. import a\nfrom .b import *\n",
        "b/b.py": "from . import b\nfrom ... import b\nfrom .b import b\n",
    },
    "settings of Django": lambda: {
        **_image("RUN pip install django\n"),
        "main.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
        "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['settings', 'urls', 'main',"
        " 'a.b.c']\n",
        "urls.py": "from django.urls import include\nurlpatterns = [include('urls'),"
        " include('settings')]\n",
    },
    "imports of JavaScript": lambda: {
        **_javascript('import "./a.js"; import "./index.js"; export * from "./index.js";'),
        "a.js": 'import "./index.js"; import "./a.js";\n',
    },
    "packages": lambda: {
        "package.json": '{"name": "a", "workspaces": [".", "*", "b"], "scripts": {"test": "npm'
        ' test -w b"}}',
        "b/package.json": '{"name": "b", "workspaces": [".."], "scripts": {"test": "npm test -w a'
        ' && npm --prefix .. test"}}',
        **_job("      - run: npm test\n"),
    },
    "claims": lambda: _markdown(
        "- [x] All 3 issues fixed\n- [x] Everything in this list is fixed\n"
    ),
    "start scripts": lambda: {
        COMPOSE: "services: {a: {build: .}}\n",
        DOCKERFILE: 'FROM python\nCOPY . .\nENTRYPOINT ["./a.sh"]\nCMD ["./a.sh"]\n',
        "a.sh": '#!/bin/sh\nexec ./a.sh "$@"\nnpm start\n. ./a.sh\n',
        "package.json": '{"scripts": {"start": "npm start", "prestart": "./a.sh"}}',
    },
}

# One line, about as long as a file may be, by all names.
_UNITS = (
    "a", " ", "\t", "\\", '"', "'", "`", "(", ")", "[", "{", "<", "$", "#", "-", ":", "&", "|", "=",
    "*", "/", "@", ".", ",", "!", "~", "\n", "\r", "\x0b", "\u2028", "\u00a0", "0", "_", "é",
    "${", "${a:-", "$(", "${{ ", "a ", "a.", "a,", "a:", "a=", "a/", "- ", "--a ", "a@", "http://",
    "http://a:b@", "a || ", "a && ", "<<E ", "![", "[a](", "](", "*a ", "not ", "a+", "a(", "'a' ",
    "f'{", "if a; then ", "lambda: ", "|| true ", "password=", "a-", "::", "127.", "\\\n", "%{",
    "0x",
)  # fmt: skip
LINES: Mapping[str, Made] = {
    f"a line of {unit!r}": (lambda unit=unit: everywhere(unit * (LONG // len(unit.encode()))))
    for unit in _UNITS
}

ALL: Mapping[str, Mapping[str, Made]] = {
    "broken": BROKEN,
    "bomb": BOMBS,
    "pattern": PATTERNS,
    "nested": NESTED,
    "crowd": CROWDS,
    "circle": CIRCLES,
    "line": LINES,
}


def named(families: Iterable[str] = ALL) -> Mapping[str, Made]:
    """Every shape by its family and name."""
    return {f"{family}: {name}": made for family in families for name, made in ALL[family].items()}
