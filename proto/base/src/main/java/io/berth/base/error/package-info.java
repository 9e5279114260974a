/**
 * The closed set of failures that cross the wire, what programs may know of each beside its text,
 * and the mappings of both: to a gRPC status with its trailers and back.
 */
@NullMarked
package io.berth.base.error;

import org.jspecify.annotations.NullMarked;
