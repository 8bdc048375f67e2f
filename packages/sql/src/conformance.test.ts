import { adapterSuite } from "../../../test/adapter-suite.ts";
import { conformanceSetup } from "./testing/conformance-setup.ts";

adapterSuite(conformanceSetup("node:sqlite"));
