// What the checks share: what happened, written down beside the trail.
import { appendFileSync } from "node:fs";

export const here = new URL("node_modules/", `file://${process.env.PACKAGES}/`).pathname;
export const everything = `${here}@modelcontextprotocol/server-everything/dist/index.js`;
export const filesystem = `${here}@modelcontextprotocol/server-filesystem/dist/index.js`;

/// Writes down one action of a job as its client saw it.
export function happened(job, action, resource, input, output, result) {
  const line = JSON.stringify({ job, action, resource, input, output, result });
  appendFileSync(process.env.HAPPENED, `${line}\n`);
}

/// Calls a tool and writes down what came.
export async function call(client, job, server, name, args, options) {
  const sent = { name, arguments: args };
  try {
    const output = await client.callTool(sent, undefined, options);
    happened(job, "tools/call", `${server}/${name}`, args, output, output.isError ? "failure" : "success");
    return output;
  } catch (error) {
    // An error of the protocol has a code; a timeout of the client's own is a cancellation.
    const result = error.code === -32001 ? "error" : "failure";
    happened(job, "tools/call", `${server}/${name}`, args, null, result);
    return null;
  }
}
