import { adapterSuite } from "../../../../../test/adapter-suite.ts";
import { leasedSetup } from "./leased-setup.fixture.ts";

adapterSuite(leasedSetup());
