// What pages of the server need to check proofs themselves.

import { fromBase64 } from "./bytes.js";
import { parseBundle, verifyBundle } from "./bundle.js";
import { EMPTY_ROOT, leafHash, nodeHash, verifyConsistency, verifyInclusion } from "./merkle.js";
import { openCheckpoint, parseKey } from "./note.js";
import { verifyPackage } from "./package.js";

export { EMPTY_ROOT, fromBase64, leafHash, nodeHash, openCheckpoint, parseBundle, parseKey, verifyBundle, verifyConsistency, verifyInclusion, verifyPackage };
