/** The types of execa name the descriptors 3 to 9 only; it hands any number to `spawn` unchanged. */
export function asDescriptor(fd: number): 3 {
  return fd as 3;
}
