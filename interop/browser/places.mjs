// Addresses of every page of the trail, with a name for its pictures.
import { TEXT } from "./hostile.mjs";
import { api } from "./world.mjs";

const segment = encodeURIComponent;

const newest = async (q) => (await api(`/v1/events?q=${segment(q)}&limit=1`)).data[0].seq;
const [plain, hostile, long] = await Promise.all(["id:e-500011", "id:hostile-2", "id:long"].map(newest));
const job = "job-025000";

export const places = {
  observe: "/",
  "observe-week": "/?from=-7d&by=source&interval=day",
  events: "/events",
  "events-filter": "/events?q=source:shell%20-result:success",
  "events-fault": "/events?q=sorce:shell",
  "events-none": "/events?q=source:shell%20action:nothing.such",
  ...Object.fromEntries(["summary", "content", "raw", "proof", "context", "replay"].map((tab) => [`event-${tab}`, `/events?event=${plain}&tab=${tab}`])),
  jobs: "/jobs?from=-2d",
  job: `/jobs/${job}`,
  "job-cost": `/jobs/${job}?show=cost`,
  "job-approvals": `/jobs/${job}?show=approvals`,
  "job-whole": `/jobs/${job}?show=whole`,
  replay: `/jobs/${job}/replay?step=4`,
  agents: "/agents",
  agent: "/agents/kyc-checker?from=-3d",
  integrity: "/integrity",
  export: "/export",
  guide: "/guide",
  lesson: "/guide/gaps",
  settings: "/settings",
  missing: "/jobs/nosuch",
};

export const hostilePlaces = {
  ...Object.fromEntries(["summary", "content", "raw", "proof", "context", "replay"].flatMap((tab) => [
    [`hostile-${tab}`, `/events?event=${hostile}&tab=${tab}`],
    [`long-${tab}`, `/events?event=${long}&tab=${tab}`],
  ])),
  "hostile-filter": `/events?q=${segment(`actor:${JSON.stringify(TEXT)}`)}`,
  "hostile-fault": `/events?q=${segment(`${TEXT}(`)}`,
  "hostile-observe": `/?q=${segment(`job:${JSON.stringify(TEXT)}`)}`,
  "hostile-job": `/jobs/${segment(TEXT)}`,
  "hostile-cost": `/jobs/${segment(TEXT)}?show=cost`,
  "hostile-approvals": `/jobs/${segment(TEXT)}?show=approvals`,
  "hostile-replay": `/jobs/${segment(TEXT)}/replay?step=3`,
  "hostile-replay-long": `/jobs/${segment(TEXT)}/replay?step=9`,
  "hostile-agent": `/agents/${segment(TEXT)}`,
  "hostile-agents": `/agents?from=-1d`,
};

export { job, plain, hostile, long };
