import * as ddsp from "../shared/ddsp.js";
import * as groups from "./groups.js";
import * as spectra from "./spectra.js";
export default {};
