import { testRewrites } from "./test-rewrites.ts";

testRewrites(2, 3);
