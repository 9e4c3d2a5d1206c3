const SHOWN = 4;
/** Of a shorter secret not even its beginning is shown. */
const LONG_ENOUGH = 16;
const MAX_PLACE = 100;
/** An address with user name and password. The password goes up to the last @, so that none of it is shown. */
const ADDRESS = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/[^:@/]*:(?<password>.*)@(?<place>[^@]*)$/is;

/** What may be shown of a secret: enough to find it again, nothing of use to anybody else. Pure. */
export function maskSecret(secret: string): string {
  const [firstLine = ""] = secret.split("\n", 1);
  if (/^-----BEGIN [A-Z ]+-----/.test(firstLine)) return `${firstLine.trim()}…`;
  const address = ADDRESS.exec(secret)?.groups;
  if (address !== undefined)
    return `${address.scheme}://***:***@${address.place!.replace(/[?#].*$/s, "").slice(0, MAX_PLACE)}`;
  const start = secret.length >= LONG_ENOUGH ? secret.slice(0, SHOWN) : "";
  return `${start}… (${secret.length} characters)`;
}

/** Whether it stands for a secret in an example: <password>, [YOUR-PASSWORD], ${PASSWORD}, ***. Pure. */
export function isPlaceholder(secret: string): boolean {
  const password = ADDRESS.exec(secret)?.groups?.password;
  return password !== undefined && /^(<.*>|\[.*\]|\{.*\}|\$.*|\*+|x+|\.+)$/is.test(password);
}
