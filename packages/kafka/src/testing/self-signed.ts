import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { findProgram, runProgram } from "../../../../scripts/brokers/programs.ts";

export interface Certificate {
  /** PKCS12: the key and its certificate. */
  readonly keystore: string;
  readonly password: string;
  /** PEM. */
  readonly certificate: string;
}

/** A certificate for one host that nobody else has signed, made by the program that comes with every Java. */
export async function selfSigned(folder: string, host: string): Promise<Certificate> {
  const keystore = join(folder, "keystore.p12");
  const certificate = join(folder, "certificate.pem");
  const password = "keystore-secret";
  const at = ["-keystore", keystore, "-storetype", "PKCS12", "-storepass", password, "-alias", "broker"];
  await keytool(["-genkeypair", ...at, "-keyalg", "EC", "-dname", `CN=${host}`, "-ext", `san=dns:${host}`, "-validity", "2"]);
  await keytool(["-exportcert", ...at, "-rfc", "-file", certificate]);
  return { keystore, password, certificate };
}

async function keytool(args: readonly string[]): Promise<void> {
  const program = findProgram("keytool") ?? join(dirname(realpathSync(findProgram("java") ?? "/")), "keytool");
  const { code, output } = await runProgram(program, args);
  if (code !== 0) throw new Error(`keytool ${args[0]} ended with code ${code}:\n${output}`);
}
