// Calls to the local server; the token comes from the page's address.

const [token, ...rest] = location.hash.slice(1).split("/");

/** The article named in the address, if any. */
export const wanted = rest.join("/") || null;

export function remember(articleId) {
  history.replaceState(null, "", `#${token}/${articleId}`);
}

export class Refused extends Error {
  constructor(status, body) {
    super(body.error ?? `the server answered ${status}`);
    this.status = status;
    this.body = body;
  }
}

export async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { "X-Token": token, ...(body ? { "Content-Type": "application/json" } : {}) },
    body: body ? JSON.stringify(body) : undefined,
    cache: "no-store",
  });
  const raw = await response.text();
  let answer;
  try {
    answer = JSON.parse(raw);
  } catch {
    answer = { error: raw };
  }
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}
