"""An SSH server of another machine: what it runs and leads to has that machine's container engine.

Run as a program, with the engine's socket and a folder for keys as its words: it says its port in
one line, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import asyncssh

USUAL = "/var/run/docker.sock"
HOST = "127.0.0.1"


async def serve(socket: str, folder: Path) -> None:
    identity, host = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    identity.write_private_key(str(folder / "identity"))
    (folder / "identity").chmod(0o600)
    identity.write_public_key(str(folder / "authorized"))

    class Server(asyncssh.SSHServer):
        def connection_made(self, connection: asyncssh.SSHServerConnection) -> None:
            self.connection = connection

        async def unix_connection_requested(self, path: str) -> Any:
            assert path == USUAL
            return await self.connection.forward_unix_connection(socket)

    async def run(process: asyncssh.SSHServerProcess[bytes]) -> None:
        program = await asyncio.create_subprocess_shell(
            process.command or "",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{socket}"},
        )
        await process.redirect(stdin=program.stdin, stdout=program.stdout)
        process.exit(await program.wait())

    server = await asyncssh.listen(
        *(HOST, 0),
        server_factory=Server,
        server_host_keys=[host],
        authorized_client_keys=str(folder / "authorized"),
        process_factory=run,
        encoding=None,
    )
    public = host.export_public_key().decode()
    (folder / "known_hosts").write_text(f"[{HOST}]:{server.get_port()} {public}")
    sys.stdout.write(f"{server.get_port()}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
