/**
 * What a command has to work with: its caller with streams, environment and signals, the
 * connections to the services, and the caller's credentials for registries.
 */
@NullMarked
package io.berth.cli.session;

import org.jspecify.annotations.NullMarked;
