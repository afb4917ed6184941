export function certificatePage(_id: string, _o: unknown, _l: string): string {
  return "";
}
