/**
 * What a command has to work with: the streams, the configuration, the connections to the services.
 */
@NullMarked
package io.berth.cli.session;

import org.jspecify.annotations.NullMarked;
