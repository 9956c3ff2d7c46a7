export type Environment = Readonly<Record<string, string | undefined>>;

/** What git needs to find the person's own configuration. */
export function homeOf(env: Environment): Record<string, string> {
  return Object.fromEntries(
    ["HOME", "XDG_CONFIG_HOME"].flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
