"""What the commands of a Dockerfile bring into an image: packages, and their programs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.audit.model.shell import Command, Script

# What a package is called and what it brings, where the names differ; otherwise a package brings
# the program of its own name. Names are matched from the start: `postgresql-client-16`.
_PROGRAMS = {
    "procps": "ps pgrep pkill top free uptime watch vmstat w",
    "netcat": "nc netcat",
    "nmap": "nmap ncat nc",
    "iputils": "ping",
    "inetutils-ping": "ping",
    "iproute2": "ip ss",
    "iproute": "ip ss",
    "net-tools": "netstat ifconfig route",
    "redis": "redis-cli redis-server",
    "valkey": "valkey-cli valkey-server",
    "postgresql": "psql pg_isready pg_dump pg_restore",
    "libpq-dev": "pg_config",
    "default-mysql-client": "mysql mysqladmin mysqldump mariadb mariadb-admin",
    "mysql": "mysql mysqladmin mysqldump mysqld",
    "mariadb": "mysql mysqladmin mysqldump mariadb mariadb-admin",
    "mongodb": "mongo mongosh mongod",
    "mosquitto": "mosquitto mosquitto_pub mosquitto_sub mosquitto_passwd mosquitto_rr",
    "nodejs": "node npm npx corepack",
    "python3": "python3 python",
    "python": "python python3",
    "py3-pip": "pip pip3",
    "bind-tools": "dig nslookup host",
    "bind-utils": "dig nslookup host",
    "dnsutils": "dig nslookup host",
    "bind9": "dig nslookup host",
    "ldap-utils": "ldapsearch",
    "supervisor": "supervisord supervisorctl",
    "httpie": "http https",
    "gettext": "envsubst gettext",
    "build-essential": "gcc g++ make cc",
    "build-base": "gcc g++ make cc",
    "openjdk": "java javac keytool",
    "default-j": "java javac keytool",
    "java": "java javac keytool",
    "temurin": "java javac keytool",
    "openssh": "ssh scp ssh-keygen sshd",
    "gnupg": "gpg",
    "apache2-utils": "ab htpasswd",
    "apache2": "apache2 apachectl apache2ctl",
    "php": "php",
    "golang": "go",
    "docker": "docker",
    "krb5": "kinit klist",
    "freeradius": "radtest radclient",
    "snmp": "snmpget snmpwalk",
    "util-linux": "flock getopt setsid nsenter",
    "coreutils": "timeout stat",
    "busybox-extras": "telnet httpd",
    "dumb-init": "dumb-init",
}
# Packages that bring half a system with them.
_BROAD = re.compile(
    r"ros-|texlive|task-|r-base|ubuntu-desktop|kubuntu|xubuntu|cuda|@|.*\.(deb|rpm)$"
)
_SCRIPTS = {
    "httpie": "http https",
    "awscli": "aws",
    "django": "django-admin",
    "uvicorn": "uvicorn",
    "supervisor": "supervisord supervisorctl",
    "redis-cli": "redis-cli",
    "iredis": "iredis",
    "pgcli": "pgcli",
    "psycopg": "",
    "ansible": "ansible ansible-playbook",
}
_DEBIAN = ("apt-get", "apt", "aptitude")
_REDHAT = ("yum", "dnf", "microdnf", "tdnf", "zypper")
_ASSIGNED = re.compile(r"""(?:^|[\s;&(])(\w+)=["']([^"'$]*)["']""")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_SHELLS = ("sh", "bash", "ash", "dash", "zsh")
_BIN = re.compile(r"(?:/[\w.+-]+)*/s?bin/([\w.+-]+)$")
_INSTALLERS = re.compile(r"\b(ansible-playbook|brew|nix-env|nix|snap)$")
# Scripts from elsewhere that are known to add a package source, or one tool.
_KNOWN_SCRIPTS = re.compile(
    r"nodesource\.com|rpm\.nodesource|sh\.rustup\.rs|install\.python-poetry|astral\.sh/uv"
    r"|get-?pip|bootstrap\.pypa|packagecloud\.io|sury\.org|dl\.yarnpkg|packages\.microsoft\.com"
    r"|get\.helm\.sh|bun\.sh/install|deno\.land/install|get\.pnpm\.io|pdm-project|nvm-sh/nvm"
)
_VALUED = {
    "-t", "--target-release", "-o", "--option", "-c", "--config-file", "--virtual", "-X",
    "--repository", "--repositories-file", "--keys-dir", "--enablerepo", "--disablerepo", "-a",
    "-i", "--index-url", "--extra-index-url", "-r", "--requirement", "--find-links", "-f",
    "--constraint", "--prefix", "--root", "--target", "--python", "--trusted-host", "--timeout",
    "--registry", "--version", "--install-dir",
}  # fmt: skip


@dataclass
class Installed:
    """What an image has, as its commands are read from the first to the last.

    `system` lies in `/bin` and `/usr/bin`, `own` in `/usr/local`, `/opt` and the like. `is_open`
    when something was installed that cannot be told. What lists elsewhere bring, as a
    `requirements.txt` does, is not looked up.
    """

    system: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    is_open: bool = False
    _values: Mapping[str, str] = field(default_factory=dict)
    _groups: dict[str, list[str]] = field(default_factory=dict)

    @property
    def programs(self) -> frozenset[str]:
        return frozenset(self.system | self.own)

    def run(
        self,
        script: Script,
        opened: Callable[[str], Script | None],
        values: Mapping[str, str] | None = None,
    ) -> None:
        """Read what a RUN does; `opened` gives a script by its path in the image, if it is ours.

        `values` are those of the image's variables; what the script itself sets comes before them.
        """
        self._values = {**(values or {}), **dict(_ASSIGNED.findall(script.text))}
        for command in script.commands:
            self._run(command, script.text, opened, deep=0)

    def _run(
        self, command: Command, text: str, opened: Callable[[str], Script | None], *, deep: int
    ) -> None:
        words = [it for word in command.words for it in self._filled(word)]
        program = command.program
        if not words:
            return
        named = {match[1] for word in words[1:] if (match := _BIN.search(word))}
        if program == "rm":
            self.system -= named
            self.own -= named
            return
        self.own |= named
        if program in ("python", "python3") and words[1:3] == ["-m", "pip"]:
            words, program = ["pip", *words[3:]], "pip"
        if program == "uv" and words[1:2] in (["pip"], ["tool"]):
            words, program = ["pip", *words[2:]], "pip"
        verb = next((word for word in words[1:] if not word.startswith("-")), "")
        if program in (*_DEBIAN, *_REDHAT, "apk", "install_packages", "clean-install", "pacman"):
            self._manage(program, verb, words)
        elif program in ("pip", "pip3", "pipx") and verb == "install":
            self._pip(words)
        elif program in ("npm", "pnpm", "yarn", "bun"):
            self._node(words)
        elif program in ("go", "cargo", "gem") and verb == "install":
            self._named(words)
        elif program in ("conda", "mamba", "micromamba"):
            self._add(_operands(words, verb))
            self.is_open = True
        elif _brings_anything(program, words):
            self.is_open = True
        elif program in _SHELLS or "/" in words[0] or program.endswith(".sh"):
            self._script(words, text, opened, deep=deep)

    def _filled(self, word: str) -> list[str]:
        """A word that is a variable, as the words of its value."""
        name = _VARIABLE.fullmatch(word)
        value = self._values.get(name[1]) if name else None
        return value.split() if value is not None else [word]

    def _manage(self, program: str, verb: str, words: list[str]) -> None:
        packages = _operands(
            words, "" if program in ("install_packages", "clean-install") else verb
        )
        if verb in ("remove", "purge", "autoremove", "del", "erase"):
            self._remove(packages)
        elif verb in ("install", "add", "in", "groupinstall") or program in (
            "install_packages",
            "clean-install",
            "pacman",
        ):
            for flag in ("--virtual", "-t"):
                if program == "apk" and flag in words[:-1]:
                    self._groups[words[words.index(flag) + 1]] = packages
            self._add(packages)

    def _add(self, packages: Iterable[str]) -> None:
        for package in packages:
            if "$" in package or "`" in package or _BROAD.match(package):
                self.is_open = True
            name = re.split(r"[=<>~@:]", package)[0].rpartition("/")[2]
            if name:
                self.packages.add(name)
                self.system.update(programs_of(name))

    def _remove(self, packages: Iterable[str]) -> None:
        for package in packages:
            for name in self._groups.pop(package, [package]):
                self.packages.discard(name)
                self.system.difference_update(programs_of(name))

    def _pip(self, words: list[str]) -> None:
        names = [re.split(r"[\[=<>~!;@ ]", it)[0].lower() for it in _operands(words, "install")]
        for name in names:
            self.own.update(_SCRIPTS.get(name, name).split())

    def _node(self, words: list[str]) -> None:
        is_global = {"-g", "--global", "global"} & set(words)
        for name in _operands(words, "") if is_global else []:
            if name not in ("install", "i", "add", "global"):
                plain = name.removeprefix("@").split("@")[0]
                self.own.update({plain.rpartition("/")[2], plain.partition("/")[0]})

    def _named(self, words: list[str]) -> None:
        for name in _operands(words, "install"):
            parts = [it for it in name.split("@")[0].split("/") if not re.fullmatch(r"v\d+", it)]
            if parts:
                self.own.add(parts[-1])

    def _script(
        self, words: list[str], text: str, opened: Callable[[str], Script | None], *, deep: int
    ) -> None:
        """A script that is run: ours is read, what came from elsewhere may bring anything."""
        is_shell = words[0].rpartition("/")[2] in _SHELLS
        operands = [word for word in words[1:] if not word.startswith("-")]
        path = (operands[0] if operands else "") if is_shell else words[0]
        if not path:  # curl ... | sh
            self.is_open = self.is_open or not _KNOWN_SCRIPTS.search(text)
            return
        script = opened(path)
        if script is not None and deep < 2:
            for command in script.commands:
                self._run(command, script.text, opened, deep=deep + 1)
        elif script is None and not _is_harmless(path):
            self.is_open = True


def _brings_anything(program: str, words: list[str]) -> bool:
    """Whether a command installs what nobody can tell from its words."""
    if program == "xargs":
        return bool({"install", "add"} & set(words))
    if program in ("tar", "unzip"):
        return any(word.rstrip("/").endswith("/bin") for word in words)
    return bool(_INSTALLERS.search(program)) or bool({"install-deps", "--with-deps"} & set(words))


def _is_harmless(path: str) -> bool:
    """Whether a program that is called by its path is known not to install programs."""
    name = path.rpartition("/")[2]
    return bool(
        re.match(r"(pip|python|uv|npm|node|yarn|pnpm|poetry|gradlew|mvnw|manage|useradd|adduser|"
                 r"addgroup|groupadd|rm|ln|cp|mv|chmod|chown|mkdir|sed|cargo|go|php|composer|"
                 r"docker-php|ruby|bundle|gem|java|dotnet|ldconfig|update-ca)", name)
    )  # fmt: skip


def _operands(words: list[str], verb: str) -> list[str]:
    """The words behind a verb that are no options, nor an option's value."""
    rest = words[words.index(verb) + 1 :] if verb and verb in words else words[1:]
    found = []
    is_value = False
    for word in rest:
        if is_value:
            is_value = False
        elif word.startswith("-"):
            is_value = word in _VALUED
        else:
            found.append(word)
    return found


def programs_of(package: str) -> set[str]:
    """The programs that a system's package brings."""
    found = {package}
    for start, programs in _PROGRAMS.items():
        if package == start or (
            package.startswith(start) and package[len(start)] in "-0123456789."
        ):
            found |= set(programs.split())
    if package.startswith("default-j"):
        found |= set(_PROGRAMS["default-j"].split())
    return found
