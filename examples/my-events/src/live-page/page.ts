/** The whole page: no library, no font, nothing that has to be fetched from elsewhere. Everything shown is set as text. */
export const PAGE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>MyEvents, live</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; --line: #8884; --dim: #888; --good: #2a8; --bad: #d44; --wait: #c80; }
  body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 1rem; }
  h1 { font-size: 1.3rem; margin: 0 0 .2rem; } h2 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
  #line { color: var(--dim); }
  .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 0 2rem; }
  table { border-collapse: collapse; width: 100%; } td, th { border-bottom: 1px solid var(--line); padding: .2rem .5rem .2rem 0; text-align: left; font-weight: normal; }
  th { color: var(--dim); font-size: .85em; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
  .ok, .running { color: var(--good); } .down, .failing, .stopped { color: var(--bad); } .degraded, .reconnecting, .starting, .blocked, .paused { color: var(--wait); }
  #messages { list-style: none; margin: 0; padding: 0; } #messages li { border-bottom: 1px solid var(--line); padding: .3rem 0; }
  #messages b { font-weight: 600; } #messages span { color: var(--dim); font-size: .85em; }
  code { display: block; font: 12px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
</style>
</head>
<body>
<h1>MyEvents</h1>
<div id="line">connecting…</div>
<div class="columns">
  <section><h2>Services</h2><table id="services"></table></section>
  <section><h2>Topics</h2><table id="topics"></table></section>
</div>
<h2>Handlers</h2><table id="handlers"></table>
<h2>Messages</h2><ul id="messages"></ul>
<script>
  const byId = (id) => document.getElementById(id);
  const cell = (tag, value, kind) => { const made = document.createElement(tag); made.textContent = value ?? ""; if (kind) made.className = kind; return made; };
  const table = (id, heads, rows) => byId(id).replaceChildren(...[heads.map((head) => cell("th", head[0], head[1])), ...rows.map((row) => row.map((one) => cell("td", one[0], one[1])))]
    .map((cells) => { const line = document.createElement("tr"); line.append(...cells); return line; }));
  const number = (value) => [value === undefined ? "" : String(Math.round(value * 10) / 10), "number"];
  const time = (at) => at ? new Date(at).toLocaleTimeString() : "";
  const stream = new EventSource("stream");
  stream.onerror = () => { byId("line").textContent = "the page is not connected, trying again…"; };
  stream.onopen = () => byId("messages").replaceChildren();
  stream.addEventListener("state", ({ data }) => {
    const { topics, services, broker } = JSON.parse(data);
    byId("line").textContent = "broker " + broker + " · as of " + time(Date.now());
    table("services", [["service"], ["state"], ["process"], ["address"]], services.map((one) => [[one.service], [one.status, one.status], [one.pid], [one.url]]));
    table("topics", [["topic"], ["seen", "number"], ["per second", "number"]], topics.map((one) => [[one.topic], number(one.seen), number(one.perSecond)]));
    table("handlers", [["handler"], ["topic"], ["state"], ["handled", "number"], ["per second", "number"], ["behind", "number"], ["last"]],
      services.flatMap(({ handlers }) => handlers).map((one) => [[one.name], [one.topic], [one.state, one.state], number(one.handled), number(one.perSecond), number(one.lag), [time(one.lastMessageAt)]]));
  });
  stream.addEventListener("message", ({ data }) => {
    const { topic, id, at, text } = JSON.parse(data);
    const line = document.createElement("li");
    line.append(cell("b", topic), " ", cell("span", time(at) + " · " + id), cell("code", text));
    byId("messages").prepend(line);
    while (byId("messages").childElementCount > 50) byId("messages").lastElementChild.remove();
  });
</script>
</body>
</html>
`;
