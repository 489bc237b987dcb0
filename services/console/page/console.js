// The lists are the truth and are read from the gateway. The event stream only says when to read
// them again, so that nothing is lost when it ends and is opened anew.

const RETRY_MS = 1000;
const PAUSE_MS = 200; // events that come together are answered by one reading
const part = (id) => document.getElementById(id);
const { gateway } = await (await fetch("/config.json")).json();

let session = null; // {token, ending}; never stored, so it ends with the page

class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${session.token}` };
  const answer = await fetch(gateway + path, { ...options, headers, signal: session.ending.signal });
  if (!answer.ok) {
    throw await refusal(answer);
  }
  return answer;
}

async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new Refused(answer.status, problem.detail || problem.title || `status ${answer.status}`);
}

async function signIn(client, secret) {
  const answer = await fetch(`${gateway}/v1/tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      grant_type: "client_credentials",
      client_id: client,
      client_secret: secret,
    }),
  });
  if (!answer.ok) {
    throw await refusal(answer);
  }
  session = { token: (await answer.json()).access_token, ending: new AbortController() };
}

function signOut(why = "") {
  session?.ending.abort();
  session = null;
  show(false);
  say("signed out");
  complain(why);
}

function show(isSignedIn) {
  part("door").hidden = isSignedIn;
  part("board").hidden = !isSignedIn;
  part("leave").hidden = !isSignedIn;
}

const say = (words) => { part("connection").textContent = words; };
const complain = (words) => { part("trouble").textContent = words; };
const time = (text) => new Date(text).toLocaleTimeString();
const short = (id) => (id ? id.slice(0, 8) : "none");

function row(words, ...more) {
  const line = document.createElement("tr");
  for (const word of words) {
    const cell = document.createElement("td");
    cell.textContent = word;
    line.append(cell);
  }
  line.append(...more);
  return line;
}

function incidentRow(incident) {
  const place = incident.position ?? incident;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.setAttribute("aria-label", `Close incident ${short(incident.id)}`);
  close.addEventListener("click", () => attempt(async () => {
    await ask(`/v1/incidents/${incident.id}/close`, { method: "POST" });
    await refresh();
  }));
  const cell = document.createElement("td");
  cell.append(close);
  return row([
    short(incident.id),
    incident.status,
    `${Math.round(incident.confidence * 100)} %`,
    `${place.lat.toFixed(4)}, ${place.lon.toFixed(4)}`,
    time(incident.last_seen_at),
  ], cell);
}

function missionRow(mission) {
  return row([
    short(mission.id),
    mission.status,
    short(mission.incident_id),
    short(mission.node_id),
    time(mission.updated_at),
  ]);
}

async function refresh() {
  const [incidents, missions] = await Promise.all(
    ["/v1/incidents", "/v1/missions"].map(async (path) => (await (await ask(path)).json()).items),
  );
  const open = incidents.filter((incident) => incident.status !== "CLOSED");
  part("incidents").replaceChildren(...open.map(incidentRow));
  part("missions").replaceChildren(...missions.map(missionRow));
}

async function watch(own) {
  while (session === own) {
    try {
      const stream = await ask("/v1/events");
      await refresh();
      say(`connected since ${time(Date.now())}`);
      complain("");
      await heed(stream.body.getReader());
      throw new Refused(0, "the event stream has ended");
    } catch (error) {
      if (session !== own) {
        return;
      }
      if (error.status === 401) {
        signOut("The session has ended; sign in again.");
        return;
      }
      say(`reconnecting: ${error.message}`);
      await new Promise((done) => { setTimeout(done, RETRY_MS); });
    }
  }
}

async function heed(reader) {
  let due = null;
  for (;;) {
    const { done } = await reader.read();
    if (done) {
      clearTimeout(due);
      return;
    }
    due ??= setTimeout(() => {
      due = null;
      attempt(refresh);
    }, PAUSE_MS);
  }
}

async function attempt(action) {
  try {
    await action();
    complain("");
  } catch (error) {
    if (error.name !== "AbortError") {
      complain(error.message);
    }
  }
}

part("leave").addEventListener("click", () => signOut());
part("door").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(async () => {
    await signIn(part("client").value.trim(), part("secret").value);
    part("secret").value = "";
    show(true);
    say("connecting");
    watch(session);
  });
});
