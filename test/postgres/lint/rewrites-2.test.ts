import { testRewrites } from "./test-rewrites.ts";

testRewrites(1, 3);
