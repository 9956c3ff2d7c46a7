/**
 * One spelling for all that a file system without letter case takes for the same name: composed
 * (NFC), and each letter as the small form of its capital, so that `Σ`, `σ` and `ς` are one. Letters
 * whose other form is longer (`ß`, `İ`) stay, so a `?` in a glob still stands for one letter.
 * Idempotent, and it touches nothing that means something in a glob.
 */
export function foldCase(text: string): string {
  // Nearly all paths are plain ASCII, where one call does it.
  if (isAscii(text)) return text.toLowerCase();
  return Array.from(text.normalize("NFC"), foldLetter).join("").normalize("NFC");
}

function foldLetter(letter: string): string {
  const capital = letter.toUpperCase();
  if (capital.length !== letter.length) return letter;
  const small = capital.toLowerCase();
  return small.length === letter.length ? small : letter;
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) return false;
  return true;
}
